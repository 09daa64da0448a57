#include "simulator/delta.h"

#include <array>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::simulator {

void ChangeLog::Add(uint64_t person, ChangeAspect aspect, absl::Time at) {
  int64_t& latest = latest_[person][aspect];
  if (latest != 0) entries_.erase(latest);
  latest = ++head_;
  entries_[latest] = {person, aspect, at};
}

int64_t ChangeLog::HeadAt(absl::Time at) const {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    if (it->second.at <= at) return it->first;
  }
  return 0;
}

bool ChangeLog::IsLast(int64_t seq, const Entry& entry, uint32_t mask, int64_t bound) const {
  for (const auto& [aspect, other] : latest_.at(entry.person)) {
    if ((aspect & mask) != 0 && other > seq && other <= bound) return false;
  }
  return true;
}

std::string DeltaToken::Encode() const {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(kind));
  out.Varint(generation);
  out.Varint(select);
  out.Varint(static_cast<uint64_t>(bound));
  out.Varint(position);
  out.Varint(empty_pages);
  const Sha256Digest digest = Sha256(out.view());
  out.Raw(DigestBytes(digest).substr(0, 6));
  return Cat("R0usmc", HexEncode(out.view()));
}

std::optional<DeltaToken> DeltaToken::Decode(std::string_view text) {
  if (!text.starts_with("R0usmc")) return std::nullopt;
  const auto bytes = HexDecode(text.substr(6));
  if (!bytes || bytes->size() < 6) return std::nullopt;
  const std::string_view body = std::string_view(*bytes).substr(0, bytes->size() - 6);
  const Sha256Digest digest = Sha256(body);
  if (bytes->substr(bytes->size() - 6) != DigestBytes(digest).substr(0, 6)) return std::nullopt;
  ByteReader in(body);
  DeltaToken token;
  const uint8_t kind = in.U8();
  if (kind > static_cast<uint8_t>(Kind::kDelta)) return std::nullopt;
  token.kind = static_cast<Kind>(kind);
  token.generation = in.Varint();
  token.select = in.Varint();
  token.bound = static_cast<int64_t>(in.Varint());
  token.position = in.Varint();
  token.empty_pages = in.Varint();
  if (!in.AtEnd()) return std::nullopt;
  return token;
}

}  // namespace driftwarden::simulator
