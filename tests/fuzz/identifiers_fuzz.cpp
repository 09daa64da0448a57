#include "base/strings.h"
#include "monitor/ids.h"
#include "monitor/verdict.h"
#include "simulator/guid.h"
#include "tests/fuzz/target.h"

namespace driftwarden::monitor {
namespace {

void TryGuid(std::string_view input) {
  if (const auto guid = Guid::FromBytes(input)) {
    DW_HOLDS(guid->Raw() == input);
    DW_HOLDS(Guid::Parse(guid->ToString()) == guid);
    DW_HOLDS(simulator::GuidText(input) == guid->ToString());
  }
  if (const auto guid = Guid::Parse(input)) {
    DW_HOLDS(guid->ToString() == ToLowerAscii(input));
    DW_HOLDS(Guid::FromBytes(guid->Raw()) == guid);
  }
}

void TrySid(std::string_view input) {
  if (const auto sid = Sid::FromBytes(input)) {
    DW_HOLDS(sid->bytes == input);
    DW_HOLDS(Sid::Parse(sid->ToString()) == sid);
  }
  if (const auto sid = Sid::Parse(input)) {
    DW_HOLDS(Sid::FromBytes(sid->bytes) == sid);
    DW_HOLDS(Sid::Parse(sid->ToString()) == sid);
  }
  (void)simulator::SidText(input);
  if (const auto raw = simulator::SidFromText(input)) {
    // The emulator and the product were written apart; they agree on what both read.
    const auto sid = Sid::Parse(input);
    if (sid.has_value()) DW_HOLDS(sid->bytes == *raw);
  }
}

void TryIds(std::string_view input) {
  if (const auto person = ParsePersonId(input)) {
    DW_HOLDS(!person->link.empty());
    const auto again = ParsePersonId(PersonIdText(person->link, person->ordinal));
    DW_HOLDS(again.has_value());
    DW_HOLDS(again->ordinal == person->ordinal && again->link == person->link);
  }
  if (const auto link = LinkOfEpisode(EpisodeId(std::string(input)))) {
    DW_HOLDS(!link->empty() && input.ends_with(link->value));
  }
  if (const auto state = ParseState(input)) DW_HOLDS(StateText(*state) == input);
  if (const auto kind = ParseDriftKind(input)) DW_HOLDS(DriftKindText(*kind) == input);
}

}  // namespace

DW_FUZZ_TARGET(identifiers) {
  TryGuid(input);
  TrySid(input);
  TryIds(input);
}

}  // namespace driftwarden::monitor
