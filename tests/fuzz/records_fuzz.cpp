#include "base/hex.h"
#include "monitor/evidence.h"
#include "store/records.h"
#include "tests/fuzz/target.h"

namespace driftwarden::store {
namespace {

// What decodes is written and decoded again to an equal value, and to the same bytes.
template <typename Decode, typename Encode>
auto Decoded(std::string_view bytes, Decode decode, Encode encode) {
  auto value = decode("key", bytes);
  if (!value.ok()) {
    DW_HOLDS(absl::IsDataLoss(value.status()));
    return value;
  }
  const std::string written = encode(*value);
  const auto again = decode("key", written);
  DW_HOLDS(again.ok());
  DW_HOLDS(encode(*again) == written);
  return value;
}

template <typename Decode, typename Encode>
void Check(std::string_view bytes, Decode decode, Encode encode) {
  const auto value = Decoded(bytes, decode, encode);
  if (value.ok()) DW_HOLDS(*decode("key", encode(*value)) == *value);
}

void CheckEvidence(std::string_view bytes) {
  auto entry = DecodeEvidence("key", bytes);
  if (!entry.ok()) return;
  const uint64_t before = entry->seq - 1;
  entry->hash = Sha256(monitor::CanonicalEvidence(*entry));
  DW_HOLDS(monitor::VerifyEvidence(*entry, before, entry->previous).ok());
  monitor::EvidenceEntry changed = *entry;
  changed.type += '!';
  DW_HOLDS(!monitor::VerifyEvidence(changed, before, entry->previous).ok());
  DW_HOLDS(!monitor::VerifyEvidence(*entry, entry->seq, entry->previous).ok());
}

}  // namespace

// The first byte chooses the record.
DW_FUZZ_TARGET(records) {
  if (input.empty()) return;
  const std::string_view bytes = input.substr(1);
  switch (static_cast<unsigned char>(input[0]) % 9) {
    case 0:
      return Check(bytes, DecodePerson, EncodePerson);
    case 1:
      return Check(bytes, DecodeEpisode, EncodeEpisode);
    case 2:
      return Check(bytes, DecodeAction, EncodeAction);
    case 3:
      return Check(bytes, DecodeIncident, EncodeIncident);
    case 4:
      CheckEvidence(bytes);
      return Check(bytes, DecodeEvidence, EncodeEvidence);
    case 5:
      return Check(bytes, DecodeLinkState, EncodeLinkState);
    case 6:
      return Check(bytes, DecodeNumber, EncodeNumber);
    case 7:
      return Check(bytes, DecodeMark, EncodeMark);
    default:
      (void)Decoded(bytes, DecodeSchema, EncodeSchema);
  }
}

}  // namespace driftwarden::store
