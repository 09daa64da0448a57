// report unmanaged.

#include <algorithm>
#include <cstdio>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"
#include "daemon/verbs.h"
#include "net/url.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

constexpr uint64_t kMostAPage = 1000;

std::string ReportPath(const ReportOptions& options, uint64_t limit, const std::string& cursor) {
  std::string path = Cat("/api/v1/reports/unmanaged?limit=", limit);
  for (const auto& [key, value] :
       {std::pair("link", &options.link), std::pair("kind", &options.kind),
        std::pair("cursor", &cursor)}) {
    if (!value->empty()) path += Cat("&", key, "=", net::PercentEncode(*value));
  }
  return path;
}

// `limit` items at most, in an answer of the API's form.
StatusOr<json::object> FetchReport(const Client& client, const ReportOptions& options) {
  json::object out;
  json::array items;
  std::string cursor;
  do {
    const uint64_t room = std::min<uint64_t>(options.limit - items.size(), kMostAPage);
    DW_ASSIGN_OR_RETURN(const json::value page, client.Get(ReportPath(options, room, cursor)));
    for (const json::value& item : ListAt(page, "items")) items.push_back(item);
    cursor = TextAt(page, "next_cursor");
    out["not_evaluated"] = Field(page, "not_evaluated");
  } while (!cursor.empty() && items.size() < options.limit);
  out["next_cursor"] = cursor.empty() ? json::value(nullptr) : json::value(cursor);
  out["items"] = std::move(items);
  return out;
}

}  // namespace

int VerbReportUnmanaged(const ClientOptions& client_options, const ReportOptions& options) {
  const auto client = Client::Open(client_options);
  if (!client.ok()) return Complain(client.status());
  const auto report = FetchReport(*client, options);
  if (!report.ok()) return Complain(report.status());
  const json::value answer(*report);
  std::vector<TextRow> rows;
  for (const json::value& item : ListAt(answer, "items")) {
    rows.push_back({TextAt(item, "kind"), TextAt(item, "upn"), TextAt(item, "since"),
                    TextAt(item, "link"), TextAt(item, "id"), TextAt(item, "entra_id"),
                    TextAt(item, "what")});
  }
  const TextRow header = {"KIND", "USER", "SINCE", "LINK", "ID", "ENTRA ID", "OBSERVED"};
  const json::array& skipped = ListAt(answer, "not_evaluated");
  std::string text;
  if (options.format == "json") {
    text = PrettyJson(answer);
  } else if (options.format == "csv") {
    text = RenderCsv(header, rows);
  } else if (!rows.empty()) {
    text = RenderTable(header, rows);
  } else if (skipped.empty()) {
    text = "every account is managed\n";
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (options.format == "json") return kExitOk;
  for (const json::value& link : skipped) {
    std::fprintf(stderr, "driftwarden: not evaluated: %s: %s\n", TextAt(link, "link").c_str(),
                 TextAt(link, "why").c_str());
  }
  if (!TextAt(answer, "next_cursor").empty()) {
    std::fprintf(stderr, "driftwarden: there are more; see --limit\n");
  }
  return kExitOk;
}

}  // namespace driftwarden::daemon
