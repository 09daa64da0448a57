// users/{id}/explain: the rule, its inputs, the clocks and thresholds behind them, and what would
// make the verdict another.

#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "daemon/api_json.h"
#include "monitor/origins.h"
#include "monitor/what_if.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::Outlook;

namespace {

json::string Str(std::string_view text) {
  return json::string(std::string(text));
}

json::value WorstJson(const std::vector<monitor::OpenDrift>& drift) {
  if (drift.empty()) return nullptr;
  return json::value(Str(monitor::SeverityText(drift.front().severity)));
}

json::object OutlookJson(const Outlook& outlook, const PersonContext& context,
                         const monitor::TierName& tier) {
  json::object out;
  out["state"] = Str(monitor::StateText(outlook.state));
  out["blind"] = outlook.blind;
  out["severity"] = WorstJson(outlook.drift);
  json::array drift;
  for (const monitor::OpenDrift& open : outlook.drift) {
    drift.push_back({{"kind", Str(monitor::DriftKindText(open.kind))},
                     {"severity", Str(monitor::SeverityText(open.severity))}});
  }
  out["drift"] = std::move(drift);
  json::array wanted;
  for (const monitor::WantedAction& action : outlook.wanted) {
    wanted.push_back(
        {{"action", Str(monitor::ActionKindText(action.action))},
         {"reason", Str(monitor::ActionReasonText(action.reason))},
         {"mode", Str(monitor::ModeText(monitor::ModeFor(context.policy, tier, action.action)))}});
  }
  out["wanted"] = std::move(wanted);
  out["episode_ends"] = outlook.ended ? json::value(Str(monitor::EpisodeResultText(*outlook.ended)))
                                      : json::value(nullptr);
  json::object next;
  next["at"] = TimeJson(outlook.then_at);
  next["what"] = outlook.then;
  out["next"] = std::move(next);
  return out;
}

json::object WouldChangeJson(const monitor::PeopleSet& people, monitor::PersonOrdinal person,
                             const PersonContext& context) {
  const monitor::TierName& tier = people.by_ordinal.at(person).tier;
  json::array by_time;
  for (const Outlook& outlook :
       monitor::ChangesByTime(people, person, context.link, context.policy, context.now)) {
    json::object item = OutlookJson(outlook, context, tier);
    item["at"] = TimeJson(outlook.at);
    item["what"] = outlook.what;
    by_time.push_back(std::move(item));
  }
  json::array by_evidence;
  for (const Outlook& outlook :
       monitor::ChangesByEvidence(people, person, context.link, context.policy, context.now)) {
    json::object item = OutlookJson(outlook, context, tier);
    item["if"] = outlook.what;
    by_evidence.push_back(std::move(item));
  }
  json::object out;
  out["by_time"] = std::move(by_time);
  out["by_evidence"] = std::move(by_evidence);
  return out;
}

json::object ClocksJson(const monitor::Origins& origins, absl::Time now) {
  json::object out;
  out["now"] = TimeJson(now);
  json::array sources;
  for (const monitor::SourceClock& source : origins.sources) {
    json::object item;
    item["name"] = source.name.value;
    const bool ad = source.kind == monitor::SourceKind::kActiveDirectory;
    item["kind"] = ad ? "active_directory" : "entra";
    item["last_complete_read"] = BoundsJson(source.last_read);
    item["clock_offset"] = HumanDuration(source.offset);
    item["stale_after"] = HumanDuration(source.stale_after);
    item["fresh"] = !source.stale;
    item["gap"] = source.gap;
    sources.push_back(std::move(item));
  }
  out["sources"] = std::move(sources);
  json::array times;
  for (const monitor::TimeOrigin& time : origins.times) {
    times.push_back({{"name", time.name}, {"at", BoundsJson(time.at)}, {"from", time.from}});
  }
  out["times"] = std::move(times);
  out["counts_from"] = origins.counts_from ? TimeJson(*origins.counts_from) : json::value(nullptr);
  out["time_uncertain"] = origins.time_uncertain;
  out["log_skew"] = HumanDuration(origins.log_skew);
  return out;
}

json::array DriftJson(const monitor::Origins& origins) {
  json::array out;
  for (const monitor::DriftOrigin& origin : origins.drift) {
    json::object item;
    item["kind"] = Str(monitor::DriftKindText(origin.drift.kind));
    item["severity"] = Str(monitor::SeverityText(origin.drift.severity));
    item["since"] = TimeJson(origin.drift.since);
    item["opened"] = origin.opened ? TimeJson(*origin.opened) : json::value(nullptr);
    item["rule"] = origin.sentence;
    item["why"] = origin.why;
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

json::object ExplainJson(const monitor::PeopleSet& people, monitor::PersonOrdinal ordinal,
                         const PersonContext& context) {
  const monitor::Person& person = people.by_ordinal.at(ordinal);
  const monitor::Verdict verdict =
      monitor::Evaluate(person, context.link, context.policy, context.now);
  const monitor::Origins origins =
      monitor::OriginsOf(person, context.link, context.policy, context.now);
  json::object out;
  out["id"] = monitor::PersonIdText(context.link.name, ordinal);
  out["upn"] = SafeText(UpnOf(person));
  out["link"] = context.link.name.value;
  out["tier"] = origins.tier.value;
  out["mode"] = Str(monitor::ModeText(origins.mode));
  out["state"] = Str(monitor::StateText(verdict.state));
  out["phase"] = Str(monitor::StateText(verdict.phase));
  out["blind"] = verdict.blind;
  out["severity"] = WorstJson(verdict.drift);
  out["rule"] = verdict.because.rule;
  json::object inputs;
  for (const auto& [name, value] : verdict.because.inputs) inputs[name] = SafeText(value);
  out["inputs"] = std::move(inputs);
  out["drift"] = DriftJson(origins);
  out["clocks"] = ClocksJson(origins, context.now);
  json::array thresholds;
  for (const monitor::ThresholdOrigin& threshold : origins.thresholds) {
    thresholds.push_back({{"name", threshold.name},
                          {"value", HumanDuration(threshold.value)},
                          {"seconds", absl::ToDoubleSeconds(threshold.value)},
                          {"from", threshold.from}});
  }
  out["thresholds"] = std::move(thresholds);
  out["cause"] = CauseOf(person, context);
  out["would_change"] = WouldChangeJson(people, ordinal, context);
  out["review_at"] = TimeJson(verdict.review_at);
  out["next"] = verdict.next;
  return out;
}

}  // namespace driftwarden::daemon
