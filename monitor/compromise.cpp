#include "monitor/compromise.h"

#include <utility>

#include "base/strings.h"
#include "monitor/apply.h"
#include "monitor/attribution.h"
#include "monitor/settle.h"

namespace driftwarden::monitor {
namespace {

EvidenceEntry AboutMark(const Person& person, std::string type, const CompromiseMark& mark) {
  EvidenceEntry entry = EvidenceAbout(person, std::move(type));
  entry.fact = TimeBounds::Exactly(mark.at);
  entry.details["reason"] = mark.reason;
  return entry;
}

bool IsOutOfEntra(const Facts& facts) {
  return facts.EntraGone() || (facts.entra && facts.entra->enabled == Tri::kNo);
}

// What answers the mark; empty while nothing does. What is not known answers nothing.
std::string AnswerTo(const CompromiseMark& mark, const Person& person, const LinkState& link,
                     const Policy& policy) {
  const AdHalf* ad = person.facts.DecidingAd();
  if (ad != nullptr && Departed(*ad)) return "disabled or deleted in AD";
  if (IsOutOfEntra(person.facts)) return "disabled or deleted in Entra";
  const auto others = RevocationsByOthers(person.facts, policy, link);
  const auto revoked =
      LatestRevocation(person.facts, others, LogSkew(policy, link), mark.at, mark.at);
  return revoked ? Cat("sessions revoked at ", FormatRfc3339(revoked->hi)) : std::string();
}

}  // namespace

Status CheckMarkable(const Person& person) {
  const AdHalf* ad = person.facts.DecidingAd();
  const bool enabled = ad != nullptr && !Departed(*ad) && ad->disabled == Tri::kNo;
  if (enabled && person.facts.EntraLive()) return OkStatus();
  return PreconditionError(
      "only an account that is enabled in AD and in Entra can be marked as compromised; whoever is "
      "disabled or deleted is a departure");
}

void EndAnsweredMark(Transaction& tx, Person& person) {
  auto& mark = person.memory.compromised;
  if (!mark) return;
  std::string why = AnswerTo(*mark, person, tx.link(), tx.policy());
  if (why.empty()) return;
  EvidenceEntry entry = AboutMark(person, "compromise_answered", *mark);
  entry.details["why"] = std::move(why);
  tx.Record(std::move(entry));
  mark.reset();
}

std::optional<CompromiseMark> LaterOf(const std::optional<CompromiseMark>& a,
                                      const std::optional<CompromiseMark>& b) {
  if (!a || !b) return a ? a : b;
  return a->at >= b->at ? a : b;
}

Changes ApplyCompromiseMark(const Context& context, PeopleSet people, PersonOrdinal ordinal,
                            const CompromiseMark& mark) {
  Transaction tx(context, std::move(people));
  const Person* known = tx.Find(ordinal);
  if (known == nullptr || !CheckMarkable(*known).ok()) return tx.Finish();
  Person& person = tx.Touch(ordinal);
  EvidenceEntry entry = AboutMark(person, "compromise_marked", mark);
  entry.details["actor"] = mark.actor;
  if (const auto& before = person.memory.compromised) {
    entry.details["instead_of"] = FormatRfc3339(before->at);
  }
  tx.Record(std::move(entry));
  person.memory.compromised = mark;
  SettlePerson(tx, ordinal, !tx.link().baseline_at);
  return tx.Finish();
}

Changes ApplyCompromiseUnmark(const Context& context, PeopleSet people, PersonOrdinal ordinal,
                              const std::string& actor) {
  Transaction tx(context, std::move(people));
  const Person* known = tx.Find(ordinal);
  if (known == nullptr || !known->memory.compromised) return tx.Finish();
  Person& person = tx.Touch(ordinal);
  EvidenceEntry entry = AboutMark(person, "compromise_unmarked", *person.memory.compromised);
  entry.details["actor"] = actor;
  tx.Record(std::move(entry));
  person.memory.compromised.reset();
  SettlePerson(tx, ordinal, !tx.link().baseline_at);
  return tx.Finish();
}

}  // namespace driftwarden::monitor
