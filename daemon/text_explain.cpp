#include "daemon/text_explain.h"

#include <vector>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

std::string BoundsText(const json::value& bounds) {
  std::string lo = TextAt(bounds, "lo");
  const std::string hi = TextAt(bounds, "hi");
  if (lo.empty() && hi.empty()) return "never";
  if (lo == hi) return lo;
  return Cat(lo.empty() ? "?" : lo, " … ", hi.empty() ? "?" : hi);
}

// "breached, critical (disable_lag)".
std::string StateLine(const json::value& item) {
  std::string text = TextAt(item, "state");
  if (FlagAt(item, "blind")) text += ", blind";
  std::string kinds;
  for (const json::value& drift : ListAt(item, "drift")) {
    kinds += Cat(kinds.empty() ? "" : ", ", TextAt(drift, "severity"), " ", TextAt(drift, "kind"));
  }
  if (!kinds.empty()) text += Cat(": ", kinds);
  for (const json::value& action : ListAt(item, "wanted")) {
    const bool observed = TextAt(action, "mode") == "observe";
    text +=
        Cat("; calls for ", TextAt(action, "action"), observed ? " (mode observe: not done)" : "");
  }
  if (!TextAt(item, "episode_ends").empty()) {
    text += Cat("; the episode ends as ", TextAt(item, "episode_ends"));
  }
  return text;
}

std::string WhyLine(const json::value& answer) {
  const json::array& drift = ListAt(answer, "drift");
  if (!drift.empty()) return TextAt(drift.front(), "why");
  const json::value& inputs = Field(answer, "inputs");
  const std::string until = TextAt(inputs, "exempt_until");
  if (!until.empty()) {
    return Cat("exempt until ", until, " by ", TextAt(inputs, "exempt_by"), ": ",
               TextAt(inputs, "exempt_reason"));
  }
  if (TextAt(answer, "state") == "exempt") {
    return Cat("exempt as one of the class ", TextAt(inputs, "class"), " (policy.classes); in AD ",
               TextAt(inputs, "ad"), ", in Entra ", TextAt(inputs, "entra"));
  }
  return Cat("nothing is open: in AD ", TextAt(inputs, "ad"), ", in Entra ",
             TextAt(inputs, "entra"));
}

std::string SightLine(const json::value& answer) {
  std::string stale;
  for (const json::value& source : ListAt(Field(answer, "clocks"), "sources")) {
    if (!FlagAt(source, "fresh")) stale += Cat(stale.empty() ? "" : ", ", TextAt(source, "name"));
  }
  if (!stale.empty()) return Cat("not read at present: ", stale, "; what is below may be old");
  const std::string revoked = TextAt(Field(answer, "inputs"), "revoked");
  return Cat("every source is fresh", revoked.empty() ? "" : "; sessions revoked: ", revoked);
}

std::string TimeLine(const json::value& answer) {
  const json::array& steps = ListAt(Field(answer, "would_change"), "by_time");
  if (steps.empty()) {
    const std::string next = TextAt(answer, "next");
    return next.empty() ? "nothing changes by itself"
                        : Cat("at ", TextAt(answer, "review_at"), " looked at again: ", next);
  }
  return Cat("at ", TextAt(steps.front(), "at"), " ", StateLine(steps.front()));
}

// The ways out, the shortest first; the list of evidence is in that order.
std::string EndLine(const json::value& answer) {
  std::string ways;
  for (const json::value& item : ListAt(Field(answer, "would_change"), "by_evidence")) {
    if (TextAt(item, "episode_ends").empty() && !ListAt(item, "drift").empty()) continue;
    ways += Cat(ways.empty() ? "" : "; ", TextAt(item, "if"), " (", TextAt(item, "state"), ")");
  }
  return ways.empty() ? "nothing that a look could show" : ways;
}

std::string DriftPart(const json::value& answer) {
  std::string out;
  for (const json::value& drift : ListAt(answer, "drift")) {
    const std::string opened = TextAt(drift, "opened");
    out += Cat("\n", TextAt(drift, "kind"), ", ", TextAt(drift, "severity"), ", since ",
               TextAt(drift, "since"), opened.empty() ? "" : ", told since ", opened,
               "\n  because ", TextAt(drift, "why"), "\n  rule: ", TextAt(drift, "rule"), "\n");
  }
  return out;
}

std::string InputPart(const json::value& answer) {
  std::vector<TextRow> rows;
  const json::value& inputs = Field(answer, "inputs");
  if (inputs.is_object()) {
    for (const auto& entry : inputs.as_object()) {
      rows.push_back({Cat("  ", std::string(entry.key())), TextOf(entry.value())});
    }
  }
  return RenderTable({"  INPUT", "VALUE"}, rows);
}

std::string ClockPart(const json::value& answer) {
  const json::value& clocks = Field(answer, "clocks");
  std::vector<TextRow> sources;
  for (const json::value& source : ListAt(clocks, "sources")) {
    sources.push_back({Cat("  ", TextAt(source, "name")),
                       BoundsText(Field(source, "last_complete_read")),
                       TextAt(source, "clock_offset"), TextAt(source, "stale_after"),
                       !FlagAt(source, "fresh") ? "STALE"
                       : FlagAt(source, "gap")  ? "fresh, after a gap"
                                                : "fresh"});
  }
  std::vector<TextRow> times;
  for (const json::value& time : ListAt(clocks, "times")) {
    times.push_back(
        {Cat("  ", TextAt(time, "name")), BoundsText(Field(time, "at")), TextAt(time, "from")});
  }
  std::string out =
      RenderTable({"  CLOCK", "LAST COMPLETE READ", "OFFSET", "STALE AFTER", ""}, sources);
  if (!times.empty()) out += Cat("\n", RenderTable({"  TIME", "WHEN", "FROM"}, times));
  const std::string from = TextAt(clocks, "counts_from");
  if (!from.empty()) {
    out += Cat("  the timers count from ", from,
               FlagAt(clocks, "time_uncertain")
                   ? ", the late bound: the time is uncertain, and nobody pages for what may not "
                     "have passed"
                   : "",
               "\n");
  }
  return out;
}

std::string ThresholdPart(const json::value& answer) {
  std::vector<TextRow> rows;
  for (const json::value& threshold : ListAt(answer, "thresholds")) {
    rows.push_back({Cat("  ", TextAt(threshold, "name")), TextAt(threshold, "value"),
                    TextAt(threshold, "from")});
  }
  return RenderTable({"  THRESHOLD", "VALUE", "FROM"}, rows);
}

std::string ChangePart(const json::value& answer) {
  const json::value& change = Field(answer, "would_change");
  std::vector<TextRow> by_time;
  for (const json::value& step : ListAt(change, "by_time")) {
    by_time.push_back({Cat("  ", TextAt(step, "at")), StateLine(step), TextAt(step, "what")});
  }
  std::vector<TextRow> by_evidence;
  for (const json::value& item : ListAt(change, "by_evidence")) {
    const json::value& next = Field(item, "next");
    by_evidence.push_back({Cat("  ", TextAt(item, "if")), StateLine(item),
                           TextAt(next, "what").empty()
                               ? ""
                               : Cat(TextAt(next, "what"), " at ", TextAt(next, "at"))});
  }
  std::string out;
  if (!by_time.empty()) {
    out += Cat(RenderTable({"  IF ONLY TIME PASSES", "THEN", "BECAUSE"}, by_time), "\n");
  }
  out += RenderTable({"  IF", "THEN", "NEXT"}, by_evidence);
  return out;
}

}  // namespace

std::string ExplainText(const json::value& answer) {
  std::string out = Cat(
      TextAt(answer, "upn"), "  ", TextAt(answer, "id"), " is ", StateLine(answer), "\nwhy    ",
      WhyLine(answer), "\nsight  ", SightLine(answer), "\nnext   ", TimeLine(answer), "\nends   ",
      EndLine(answer), "\n\nrule ", TextAt(answer, "rule"), ", tier ", TextAt(answer, "tier"),
      ", link ", TextAt(answer, "link"), ", mode ", TextAt(answer, "mode"), "\n");
  out += DriftPart(answer);
  out += Cat("\n", InputPart(answer), "\n", ClockPart(answer), "\n", ThresholdPart(answer), "\n",
             ChangePart(answer), "\nnext look: ", TextAt(answer, "next"), " ",
             TextAt(answer, "review_at"), "\n");
  return out;
}

}  // namespace driftwarden::daemon
