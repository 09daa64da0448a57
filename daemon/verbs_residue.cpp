// report residue. Printed page by page: however many left, a page is all that is held.

#include <cstdio>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_residue.h"
#include "daemon/verbs.h"
#include "net/url.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

void PrintResidue(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// One page in the format; `first` in the whole output.
void PrintResiduePage(const json::array& people, const std::string& format, bool* first) {
  if (format == "csv") {
    const std::string rows = RenderCsv(ResidueCsvHeader(), ResidueCsvRows(people));
    PrintResidue(*first ? rows : rows.substr(rows.find('\n') + 1));
    *first = false;
  } else if (format == "json") {
    for (const json::value& person : people) {
      PrintResidue(Cat(*first ? "{\"items\":[\n" : ",\n", json::serialize(person)));
      *first = false;
    }
  } else if (!people.empty()) {
    PrintResidue(ResidueText(people));
    *first = false;
  }
}

}  // namespace

int VerbReportResidue(const ClientOptions& options, const ResidueReportOptions& report) {
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  std::string base = "/api/v1/reports/residue?limit=200";
  for (const auto& [key, value] : {std::pair("link", &report.link), std::pair("from", &report.from),
                                   std::pair("to", &report.to)}) {
    if (!value->empty()) base += Cat("&", key, "=", net::PercentEncode(*value));
  }
  bool first = true;
  std::string cursor;
  do {
    std::string path = base;
    if (!cursor.empty()) path += Cat("&cursor=", net::PercentEncode(cursor));
    const auto page = client->Get(path);
    if (!page.ok()) return Complain(page.status());
    PrintResiduePage(ListAt(*page, "items"), report.format, &first);
    cursor = TextAt(*page, "next_cursor");
  } while (!cursor.empty());
  if (report.format == "json") {
    PrintResidue(first ? "{\"items\":[],\"next_cursor\":null}\n" : "\n],\"next_cursor\":null}\n");
  } else if (report.format == "table" && first) {
    PrintResidue("nobody left in that time\n");
  }
  return kExitOk;
}

}  // namespace driftwarden::daemon
