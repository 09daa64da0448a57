#include "daemon/api_told_json.h"

#include <utility>

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::Person;

namespace {

// Whom an item is about.
void NamePerson(json::object& out, const Person& person, const PersonContext& context) {
  out["id"] = monitor::PersonIdText(context.link.name, person.ordinal);
  out["link"] = context.link.name.value;
  out["upn"] = SafeText(UpnOf(person));
  out["tier"] = person.tier.value;
}

}  // namespace

json::value ExemptedJson(const Person& person) {
  const auto& exemption = person.memory.exemption;
  if (!exemption.has_value()) return nullptr;
  json::object out;
  out["since"] = TimeJson(exemption->since);
  out["until"] = TimeJson(exemption->until);
  out["reason"] = SafeText(exemption->reason);
  out["by"] = SafeText(exemption->actor);
  return out;
}

json::value CompromisedJson(const Person& person) {
  const auto& mark = person.memory.compromised;
  if (!mark.has_value()) return nullptr;
  json::object out;
  out["at"] = TimeJson(mark->at);
  out["reason"] = SafeText(mark->reason);
  out["by"] = SafeText(mark->actor);
  return out;
}

json::object CompromisedPersonJson(const Person& person, const PersonContext& context) {
  json::object out;
  NamePerson(out, person, context);
  out["compromised"] = CompromisedJson(person);
  return out;
}

json::object ExemptionJson(const Person& person, const PersonContext& context) {
  json::object out;
  NamePerson(out, person, context);
  out["phase"] = json::string(std::string(monitor::StateText(person.phase)));
  out["exemption"] = ExemptedJson(person);
  const bool tier0 = person.tier.value == monitor::kTier0;
  out["warning"] = tier0 ? json::value("tier 0: nobody would be paged about this account")
                         : json::value(nullptr);
  return out;
}

// departing: AD says so; overdue: it should.
json::value LeavesJson(const Person& person, const PersonContext& context) {
  const auto& leave = person.memory.leave;
  if (!leave.has_value() || leave->end != monitor::LeaveEnd::kExpected) return nullptr;
  const monitor::AdHalf* ad = person.facts.DecidingAd();
  const bool departed = ad != nullptr && monitor::Departed(*ad);
  const bool over = context.now >= leave->effective;
  json::object out;
  out["effective"] = TimeJson(leave->effective);
  out["state"] = departed ? "departing" : over ? "overdue" : "waiting";
  out["urgency"] = std::string(monitor::LeaveUrgencyText(leave->urgency));
  out["identifier"] = SafeText(leave->identifier);
  out["reference"] = SafeText(leave->reference);
  out["by"] = SafeText(leave->actor);
  out["told"] = TimeJson(leave->told);
  out["from_file"] = leave->from_file;
  return out;
}

json::object LeaverJson(const Person& person, const PersonContext& context) {
  json::object out;
  json::value leaves = LeavesJson(person, context);
  if (leaves.is_object()) out = std::move(leaves.as_object());
  NamePerson(out, person, context);
  return out;
}

json::value LeaverFileJson(const LeaverFileReport& report) {
  if (report.path.empty()) return nullptr;
  json::object out;
  out["path"] = report.path;
  out["read_at"] = TimeJson(report.read_at);
  out["rows"] = report.rows;
  out["unknown"] = report.unknown;
  out["past"] = report.past;
  out["waits_for"] = json::array(report.waits_for.begin(), report.waits_for.end());
  out["faults"] = json::array(report.faults.begin(), report.faults.end());
  return out;
}

}  // namespace driftwarden::daemon
