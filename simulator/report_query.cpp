#include "simulator/report_query.h"

#include <vector>

#include "base/strings.h"
#include "base/time.h"
#include "net/url.h"

namespace driftwarden::simulator {
namespace {

constexpr uint64_t kMostRows = 1000;

Status Refused(std::string_view what) {
  return InvalidError(Cat("Invalid filter clause: ", Printable(what, 120)));
}

// At " and " outside quotes and brackets.
std::vector<std::string> Terms(std::string_view filter) {
  std::vector<std::string> terms;
  std::string term;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < filter.size(); ++i) {
    const char c = filter[i];
    if (c == '\'') quoted = !quoted;
    if (!quoted && c == '(') ++depth;
    if (!quoted && c == ')') --depth;
    if (!quoted && depth == 0 && filter.substr(i, 5) == " and ") {
      terms.emplace_back(TrimAscii(term));
      term.clear();
      i += 4;
      continue;
    }
    term += c;
  }
  if (!TrimAscii(term).empty()) terms.emplace_back(TrimAscii(term));
  return terms;
}

std::optional<std::string> Unquoted(std::string_view text) {
  text = TrimAscii(text);
  if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') return std::nullopt;
  const std::string_view inner = text.substr(1, text.size() - 2);
  if (inner.find('\'') != std::string_view::npos) return std::nullopt;
  return std::string(inner);
}

// name/any(v:v/id eq 'x') or name/any(v: v eq 'x'): the x.
std::optional<std::string> AnyOf(std::string_view term, std::string_view name,
                                 std::string_view member) {
  const std::string head = Cat(name, "/any(");
  if (!term.starts_with(head) || !term.ends_with(")")) return std::nullopt;
  term = term.substr(head.size(), term.size() - head.size() - 1);
  const size_t colon = term.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string left = Cat(TrimAscii(term.substr(0, colon)), member, " eq ");
  const std::string_view body = TrimAscii(term.substr(colon + 1));
  if (!body.starts_with(left)) return std::nullopt;
  return Unquoted(body.substr(left.size()));
}

class Reader {
 public:
  Reader(std::string_view time_field, const std::set<std::string>& fields,
         const std::set<std::string>& refused)
      : time_field_(time_field), fields_(fields), refused_(refused) {}

  Status TakeFilter(std::string_view filter, ReportQuery& out) const {
    for (const std::string& term : Terms(filter)) {
      DW_RETURN_IF_ERROR(TakeTerm(term, out));
    }
    return OkStatus();
  }

  Status TakeOrder(std::string_view order, ReportQuery& out) const {
    if (refused_.contains("orderby")) return Refused("$orderby");
    const std::string wanted(TrimAscii(order));
    out.ascending = wanted == Cat(time_field_, " asc") || wanted == time_field_;
    if (out.ascending || wanted == Cat(time_field_, " desc")) return OkStatus();
    return Refused(order);
  }

 private:
  Status TakeTerm(const std::string& term, ReportQuery& out) const {
    if (const auto id = AnyOf(term, "targetResources", "/id")) {
      if (refused_.contains("any") || !fields_.contains("target")) return Refused(term);
      out.target = ToLowerAscii(*id);
      return OkStatus();
    }
    if (const auto type = AnyOf(term, "signInEventTypes", "")) {
      if (refused_.contains("event_types") || !fields_.contains("signInEventTypes")) {
        return Refused(term);
      }
      out.event_type = *type;
      return OkStatus();
    }
    const std::vector<std::string> words = SplitString(term, ' ');
    if (words.size() < 3) return Refused(term);
    const std::string value = term.substr(words[0].size() + words[1].size() + 2);
    if (words[0] == time_field_) return TakeTime(term, words[1], value, out);
    const auto text = Unquoted(value);
    if (words[1] != "eq" || !text || !fields_.contains(words[0])) return Refused(term);
    const bool sorts = words[0] == "category" || words[0] == "loggedByService";
    if (sorts && refused_.contains("category")) return Refused(term);
    if (words[0] == "userId" && refused_.contains("user_id")) return Refused(term);
    if (words[0] == "category") out.category = *text;
    if (words[0] == "loggedByService") out.service = *text;
    if (words[0] == "activityDisplayName") out.activity = *text;
    if (words[0] == "userId") out.user_id = ToLowerAscii(*text);
    return OkStatus();
  }

  static Status TakeTime(const std::string& term, const std::string& op, const std::string& value,
                         ReportQuery& out) {
    const auto at = ParseRfc3339(TrimAscii(value));
    if (!at) return Refused(term);
    if (op == "ge" || op == "gt" || op == "eq") {
      out.from = *at;
      out.without_from = op == "gt";
    }
    if (op == "le" || op == "lt" || op == "eq") {
      out.to = *at;
      out.without_to = op == "lt";
    }
    const bool known = op == "ge" || op == "gt" || op == "eq" || op == "le" || op == "lt";
    return known ? OkStatus() : Refused(term);
  }

  const std::string time_field_;
  const std::set<std::string>& fields_;
  const std::set<std::string>& refused_;
};

std::optional<ReportQuery::Place> ReadPlace(std::string_view token) {
  const std::vector<std::string> parts = SplitString(token, '.');
  if (parts.size() != 2) return std::nullopt;
  const auto micros = ParseInt64(parts[0]);
  const auto serial = ParseUint64(parts[1]);
  if (!micros || !serial) return std::nullopt;
  return ReportQuery::Place{*micros, *serial};
}

}  // namespace

bool ReportQuery::Holds(absl::Time at) const {
  return (without_from ? at > from : at >= from) && (without_to ? at < to : at <= to);
}

bool ReportQuery::IsBehind(absl::Time at, uint64_t serial) const {
  if (!after) return true;
  const int64_t micros = absl::ToUnixMicros(at);
  const bool later = micros > after->micros || (micros == after->micros && serial > after->serial);
  const bool same = micros == after->micros && serial == after->serial;
  return ascending ? later : !later && !same;
}

StatusOr<ReportQuery> ReadReportQuery(const net::ServerRequest& request,
                                      std::string_view time_field,
                                      const std::set<std::string>& fields,
                                      const std::set<std::string>& refused) {
  const Reader reader(time_field, fields, refused);
  ReportQuery query;
  for (const auto& [name, value] : request.query) {
    const std::string key = ToLowerAscii(name);
    if (key == "$filter") {
      DW_RETURN_IF_ERROR(reader.TakeFilter(value, query));
    } else if (key == "$orderby") {
      DW_RETURN_IF_ERROR(reader.TakeOrder(value, query));
    } else if (key == "$top") {
      const auto top = ParseUint64(value);
      if (!top || *top == 0 || *top > kMostRows) return Refused(Cat("$top ", value));
      query.top = *top;
    } else if (key == "$skiptoken") {
      query.after = ReadPlace(value);
      if (!query.after) return InvalidError("Skip token is invalid.");
    }
  }
  return query;
}

std::string NextReportQuery(const net::ServerRequest& request, absl::Time at, uint64_t serial) {
  std::string query;
  for (const auto& [name, value] : request.query) {
    if (EqualsIgnoreCase(name, "$skiptoken")) continue;
    query += Cat(name, "=", net::PercentEncode(value), "&");
  }
  return Cat(query, "$skiptoken=", absl::ToUnixMicros(at), ".", serial);
}

}  // namespace driftwarden::simulator
