#include "monitor/evidence.h"

#include "base/bytes.h"
#include "base/strings.h"

namespace driftwarden::monitor {

std::string CanonicalEvidence(const EvidenceEntry& entry) {
  constexpr uint8_t kFormat = 1;
  ByteWriter out;
  out.U8(kFormat);
  out.U64(entry.seq);
  out.Time(entry.at);
  out.Bytes(entry.link.value);
  out.Bytes(entry.type);
  out.Bool(entry.person.has_value());
  out.U64(entry.person.value_or(0));
  out.Bytes(entry.episode);
  out.Bytes(entry.action);
  out.Time(entry.fact.lo);
  out.Time(entry.fact.hi);
  out.Bytes(entry.source);
  out.Varint(entry.details.size());
  for (const auto& [key, value] : entry.details) {
    out.Bytes(key);
    out.Bytes(value);
  }
  out.Raw(DigestBytes(entry.previous));
  return out.Take();
}

void ChainEvidence(LinkState& link, EvidenceEntry& entry) {
  entry.link = link.name;
  entry.seq = link.evidence_seq + 1;
  entry.previous = link.evidence_hash;
  entry.hash = Sha256(CanonicalEvidence(entry));
  link.evidence_seq = entry.seq;
  link.evidence_hash = entry.hash;
}

Status VerifyEvidence(const EvidenceEntry& entry, uint64_t previous_seq,
                      const Sha256Digest& previous_hash) {
  const std::string where = Cat("evidence of link ", entry.link.value, ", entry ", entry.seq);
  if (entry.seq != previous_seq + 1) {
    return DataLossError(Cat(where, ": follows entry ", previous_seq,
                             "; entries in between are missing or out of order"));
  }
  if (entry.previous != previous_hash) {
    return DataLossError(Cat(where, ": names a predecessor with another hash; entry ", previous_seq,
                             " was changed or replaced"));
  }
  if (Sha256(CanonicalEvidence(entry)) != entry.hash) {
    return DataLossError(Cat(where, ": its content does not give its hash; it was changed"));
  }
  return OkStatus();
}

}  // namespace driftwarden::monitor
