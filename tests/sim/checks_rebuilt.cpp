// What a monitor that kept its state knows, against one that begins anew: on values, anchors and
// phases both know the same, memory excepted.

#include <map>
#include <utility>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

using monitor::Facts;
using monitor::Person;
using monitor::State;

namespace {

constexpr absl::Duration kReadAnew = absl::Minutes(2);
// Younger changes may not have been seen by one of them.
constexpr absl::Duration kBothSeen = absl::Minutes(2);

// What the sources say of an account, in a line.
std::string AdValues(const Facts& facts) {
  const monitor::AdHalf* const ad = facts.DecidingAd();
  if (ad == nullptr) return "none";
  // A tombstone has no date.
  const std::string expires =
      ad->deleted ? "" : Cat("expires ", FormatRfc3339(ad->account_expires));
  return Cat(ad->deleted ? "deleted" : "there", ", disabled ", static_cast<int>(ad->disabled), ", ",
             expires, ", ", ad->sam_account_name, ", ", ad->sid.bytes.size(), ", ",
             AnchorOf(*ad).value);
}

std::string EntraValues(const Facts& facts) {
  if (!facts.entra) return "none";
  if (facts.EntraGone()) return "gone";
  return Cat("enabled ", static_cast<int>(facts.entra->enabled), ", ", facts.entra->id, ", ",
             facts.entra->upn, ", ", facts.entra->immutable_id.value);
}

// Phases that differ only by what no source tells again: when it was first seen, who revoked, what
// had converged before, how long somebody has been back.
std::string PhaseClass(State phase) {
  switch (phase) {
    case State::kPending:
    case State::kLagging:
    case State::kBreached:
    case State::kContained:
    case State::kRegressed:
      return "left, and live in Entra";
    case State::kUnsealed:
    case State::kConverged:
      return "left, and out of Entra";
    case State::kAligned:
    case State::kReversed:
      return "here";
    default:
      return std::string(monitor::StateText(phase));
  }
}

// Of whom nothing changed lately.
bool IsQuiet(Stage& stage, size_t link, uint64_t person, absl::Time since) {
  if (TruthOf(stage, link, person).since() >= since) return false;
  const size_t forest = stage.link(link).forest;
  for (const simulator::AdChange& change : stage.world().truth().ad_changes) {
    const bool dated = change.kind == simulator::AdChangeKind::kExpirySet;
    const bool theirs = change.forest == forest && change.person == person;
    if (dated && theirs && change.at >= since) return false;
  }
  for (const Span& span : OutOfAd(stage, forest, person)) {
    if (span.from >= since || (!span.open() && span.to >= since)) return false;
  }
  return true;
}

std::string Difference(const Person& kept, const Person& anew) {
  const auto differ = [](const char* what, const std::string& a, const std::string& b) {
    return a == b ? std::string() : Cat(what, " was kept as ", a, " and is read anew as ", b);
  };
  const bool both_gone = kept.facts.EntraGone() && (!anew.facts.entra || anew.facts.EntraGone());
  for (const std::string& fault :
       {differ("AD", AdValues(kept.facts), AdValues(anew.facts)),
        both_gone ? "" : differ("Entra", EntraValues(kept.facts), EntraValues(anew.facts)),
        both_gone ? "" : differ("the phase", PhaseClass(kept.phase), PhaseClass(anew.phase))}) {
    if (!fault.empty()) return fault;
  }
  return "";
}

}  // namespace

std::vector<std::string> CheckRebuilt(Stage& stage) {
  std::map<std::pair<size_t, uint64_t>, Person> kept;
  for (size_t link = 0; link < stage.links(); ++link) {
    const uint64_t count = stage.world().people(stage.link(link).forest).count();
    for (uint64_t person = 0; person < count; ++person) {
      if (auto stored = StoredPerson(stage, link, person)) kept[{link, person}] = *stored;
    }
  }
  const absl::Time since = stage.now() - kBothSeen;
  stage.StartAnew(NewMemoryDisk());
  stage.RunFor(kReadAnew);
  std::vector<std::string> faults;
  for (const auto& [key, before] : kept) {
    const auto [link, person] = key;
    if (!IsQuiet(stage, link, person, since)) continue;
    const auto anew = StoredPerson(stage, link, person);
    const bool unseen = before.facts.EntraGone() && TruthOf(stage, link, person).gone();
    if (!anew && unseen) continue;  // gone on both sides, and nothing is left to be read
    const std::string fault = anew ? Difference(before, *anew) : "is not found by reading anew";
    if (!fault.empty()) faults.push_back(Cat(NameOf(stage, link, person), ": ", fault));
  }
  return faults;
}

}  // namespace driftwarden::sim
