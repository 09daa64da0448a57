#include "monitor/exemption.h"

#include <utility>

#include "base/strings.h"
#include "monitor/apply.h"
#include "monitor/settle.h"

namespace driftwarden::monitor {
namespace {

// As if the exemption had never been: what is open of a departure is a departure from now on.
void TakeAway(Transaction& tx, Person& person) {
  person.memory.exemption.reset();
  tx.Release(person.ordinal);
  if (person.memory.departure_handled) {
    person.memory.departure_handled = !IsOpenPhase(person.phase);
  }
}

EvidenceEntry About(const Person& person, std::string type, const Exemption& exemption) {
  EvidenceEntry entry = EvidenceAbout(person, std::move(type));
  entry.fact = {exemption.since, exemption.until};
  entry.details["until"] = FormatRfc3339(exemption.until);
  entry.details["reason"] = exemption.reason;
  return entry;
}

}  // namespace

GateResult NotExempt(const Person& person, const Policy& policy, absl::Time now) {
  const char* name = "not_exempt";
  const PersonClass classed = ClassOf(person, policy);
  if (classed != PersonClass::kNone) return {name, false, Cat("class ", PersonClassText(classed))};
  const auto& exemption = person.memory.exemption;
  if (exemption && now < exemption->until) {
    return {name, false, Cat("exempt until ", FormatRfc3339(exemption->until))};
  }
  return {name, true, "no exemption"};
}

void EndPassedExemption(Transaction& tx, Person& person) {
  const auto& exemption = person.memory.exemption;
  if (!exemption || tx.now() < exemption->until || !tx.clock_vouched()) return;
  tx.Record(About(person, "exemption_ended", *exemption));
  TakeAway(tx, person);
}

std::optional<Exemption> LaterOf(const std::optional<Exemption>& a,
                                 const std::optional<Exemption>& b) {
  if (!a || !b) return a ? a : b;
  return a->until >= b->until ? a : b;
}

Changes ApplyExemption(const Context& context, PeopleSet people, PersonOrdinal ordinal,
                       const Exemption& exemption) {
  Transaction tx(context, std::move(people));
  if (tx.Find(ordinal) == nullptr) return tx.Finish();
  Person& person = tx.Touch(ordinal);
  EvidenceEntry entry = About(person, "exemption_added", exemption);
  entry.details["actor"] = exemption.actor;
  if (const auto& before = person.memory.exemption) {
    entry.details["instead_of"] = FormatRfc3339(before->until);
  }
  tx.Record(std::move(entry));
  person.memory.exemption = exemption;
  SettlePerson(tx, ordinal, !tx.link().baseline_at);
  return tx.Finish();
}

Changes ApplyExemptionRemoval(const Context& context, PeopleSet people, PersonOrdinal ordinal,
                              const std::string& actor) {
  Transaction tx(context, std::move(people));
  const Person* known = tx.Find(ordinal);
  if (known == nullptr || !known->memory.exemption) return tx.Finish();
  Person& person = tx.Touch(ordinal);
  EvidenceEntry entry = About(person, "exemption_removed", *person.memory.exemption);
  entry.details["actor"] = actor;
  tx.Record(std::move(entry));
  TakeAway(tx, person);
  SettlePerson(tx, ordinal, !tx.link().baseline_at);
  return tx.Finish();
}

}  // namespace driftwarden::monitor
