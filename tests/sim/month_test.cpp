// Healthy is quiet: an ordinary month pages for people who really were at risk and for nobody else.
// The suite plays it with few people; script/sim --month plays it with all of them and writes the
// table in docs/quiet.md.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_format.h"
#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/month.h"

namespace driftwarden::sim {
namespace {

using monitor::AuthMode;
using monitor::Mode;
using monitor::SyncEngine;

constexpr char kMonthBegin[] = "<!-- made by script/sim --month: begin -->\n";
constexpr char kMonthEnd[] = "<!-- made by script/sim --month: end -->\n";
constexpr char kMonthHeading[] =
    "| sync engine | authentication | mode | at risk | pages: people | pages: causes | of them "
    "announced | of them the outage | warnings a day | actions a day |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n";

constexpr size_t kMonths = 12;

// Two people are left behind by the engine and nothing else goes wrong but the outage.
constexpr int kPagedPeopleAtMost = 2;
constexpr double kWarningsADay = 8;
constexpr double kWarningsOnTheWorstDay = 40;
constexpr double kActionsForALeaver = 2;

std::string_view EngineText(SyncEngine engine) {
  return engine == SyncEngine::kConnect ? "connect" : "cloud_sync";
}

std::string ADay(int all, int most, int days) {
  return absl::StrFormat("%.1f (at most %d)", static_cast<double>(all) / days, most);
}

std::string MonthName(const MonthOptions& options) {
  return Cat("| ", EngineText(options.engine), " | ", AuthModeText(options.auth), " | ",
             ModeText(options.mode), " | ");
}

std::string MonthRow(const MonthOptions& options, const MonthResult& r) {
  return Cat(MonthName(options), r.at_risk, " | ", r.pages_people, " | ", r.pages_causes, " | ",
             r.pages_announced, " | ", r.pages_outage, " | ",
             ADay(r.warnings, r.warnings_most, options.days), " | ",
             ADay(r.actions, r.actions_most, options.days), " |\n");
}

// All numbers of a row, in order.
std::vector<double> NumbersOf(const std::string& row) {
  std::vector<double> numbers;
  size_t column = 0;
  for (size_t at = 0; at < row.size(); ++at) {
    if (row[at] == '|') ++column;
    const bool digit = row[at] >= '0' && row[at] <= '9';
    if (column < 4 || !digit) continue;
    size_t used = 0;
    numbers.push_back(std::stod(row.substr(at), &used));
    at += used - 1;
  }
  return numbers;
}

// `leavers`: on a working day.
void ExpectQuiet(const std::string& row, int leavers) {
  SCOPED_TRACE(row);
  const std::vector<double> n = NumbersOf(row);
  ASSERT_EQ(n.size(), 9u);
  const double at_risk = n[0], people = n[1], causes = n[2], announced = n[3], outage = n[4];
  EXPECT_LE(people, at_risk);
  EXPECT_LE(people, kPagedPeopleAtMost);
  EXPECT_EQ(outage, 1);
  EXPECT_LE(announced, 2);
  EXPECT_EQ(causes, outage + announced);
  EXPECT_LE(n[5], kWarningsADay);
  EXPECT_LE(n[6], kWarningsOnTheWorstDay);
  const bool acts = row.find("| auto |") != std::string::npos;
  EXPECT_GE(n[8], acts ? 1 : 0);
  EXPECT_LE(n[7], acts ? kActionsForALeaver * leavers : 0);
}

// The row.
std::string PlayAndJudge(const MonthOptions& options) {
  const MonthResult result = PlayMonth(options);
  std::string told;
  for (const std::string& line : result.told) told += line + "\n";
  for (const std::string& fault : result.faults) ADD_FAILURE() << fault << "\n" << told;
  const std::string row = MonthRow(options, result);
  ExpectQuiet(row, options.leavers);
  if (::testing::Test::HasFailure()) ADD_FAILURE() << told;
  return row;
}

std::vector<MonthOptions> AllMonths() {
  std::vector<MonthOptions> months;
  for (const SyncEngine engine : {SyncEngine::kConnect, SyncEngine::kCloudSync}) {
    for (const AuthMode auth :
         {AuthMode::kPasswordHashSync, AuthMode::kPassThrough, AuthMode::kFederated}) {
      for (const Mode mode : {Mode::kObserve, Mode::kAuto}) {
        MonthOptions month;
        month.engine = engine;
        month.auth = auth;
        month.mode = mode;
        months.push_back(month);
      }
    }
  }
  return months;
}

class QuietMonth : public ::testing::TestWithParam<size_t> {};

// DRIFTWARDEN_MONTH_ROWS: the folder that takes the row of a whole month with all people; a minute
// or two. Else so much of it that everything out of the ordinary happens.
TEST_P(QuietMonth, PagesForPeopleAtRiskAlone) {
  MonthOptions options = AllMonths().at(GetParam());
  const char* const rows = std::getenv("DRIFTWARDEN_MONTH_ROWS");
  if (rows == nullptr) {
    options.people = 1000;
    options.leavers = 4;
    options.days = 10;
    options.poll = absl::Minutes(5);
  }
  const std::string row = PlayAndJudge(options);
  // In the order of the table.
  if (rows != nullptr) std::ofstream(Cat(rows, "/row-", 10 + GetParam())) << row;
}

// Two of them under sanitizers, one of each engine.
constexpr size_t kMonthStep = kThinning == 1 ? 1 : 7;
INSTANTIATE_TEST_SUITE_P(Months, QuietMonth, ::testing::Range<size_t>(0, kMonths, kMonthStep),
                         [](const ::testing::TestParamInfo<size_t>& one) {
                           const MonthOptions month = AllMonths().at(one.param);
                           return Cat(EngineText(month.engine), "_", AuthModeText(month.auth), "_",
                                      ModeText(month.mode));
                         });

std::string QuietPage() {
  return DRIFTWARDEN_SOURCE_DIR "/docs/quiet.md";
}

std::string ReadQuietPage() {
  std::ifstream in(QuietPage());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(QuietTable, HasMonthsWithinTheBounds) {
  const std::string page = ReadQuietPage();
  const size_t begin = page.find(kMonthBegin);
  const size_t end = page.find(kMonthEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t from = begin + std::string_view(kMonthBegin).size();
  std::string table = page.substr(from, end - from);
  ASSERT_TRUE(table.starts_with(kMonthHeading));
  table.erase(0, std::string_view(kMonthHeading).size());
  std::istringstream rows(table);
  std::string row;
  std::getline(rows, row);
  for (const MonthOptions& month : AllMonths()) {
    if (!row.starts_with(MonthName(month))) continue;
    ExpectQuiet(row, month.leavers);
    row.clear();
    std::getline(rows, row);
  }
  EXPECT_EQ(row, "") << "no month, or not in its place";
}

}  // namespace
}  // namespace driftwarden::sim
