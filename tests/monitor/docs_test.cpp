// What docs/convergence.md says of the drift kinds is what the rules say.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/strings.h"
#include "monitor/causes.h"
#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kBegin[] = "<!-- made from the rules: begin -->\n";
constexpr char kEnd[] = "<!-- made from the rules: end -->\n";

std::string ReadPage(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The table of all kinds, as it is to stand in the page.
std::string TableOfKinds() {
  std::string table =
      "| kind | opens and clears | severity (standard / tier 0) | what to do "
      "|\n|---|---|---|---|\n";
  for (const DriftKind kind : kAllDriftKinds) {
    for (const Rule* rule : AllRules()) {
      if (rule->kind != kind) continue;
      const std::string_view name = DriftKindText(kind);
      table += Cat("| `", name, "` | ", std::string_view(rule->sentence).substr(name.size() + 1),
                   " | ", rule->severity, " | [runbook](runbooks/", name, ".md) |\n");
    }
  }
  return table;
}

// A page that differs is written anew where DRIFTWARDEN_WRITE_DOCS is set.
TEST(Docs, TheTableOfKindsIsTheOneTheRulesGive) {
  const std::string path = DRIFTWARDEN_SOURCE_DIR "/docs/convergence.md";
  const std::string page = ReadPage(path);
  const size_t begin = page.find(kBegin);
  const size_t end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t from = begin + std::string_view(kBegin).size();
  const std::string table = TableOfKinds();
  if (std::getenv("DRIFTWARDEN_WRITE_DOCS") != nullptr) {
    std::ofstream(path) << page.substr(0, from) << table << page.substr(end);
    return;
  }
  EXPECT_EQ(page.substr(from, end - from), table)
      << "DRIFTWARDEN_WRITE_DOCS=1 monitor_tests --gtest_filter='Docs.*' writes it";
}

TEST(Docs, EveryKindHasOneRuleThatBeginsWithItsNameAndARunbook) {
  EXPECT_EQ(AllRules().size(), std::size(kAllDriftKinds));
  for (const DriftKind kind : kAllDriftKinds) {
    size_t rules = 0;
    for (const Rule* rule : AllRules()) {
      if (rule->kind != kind) continue;
      ++rules;
      EXPECT_TRUE(std::string_view(rule->sentence).starts_with(Cat(DriftKindText(kind), " opens")));
      EXPECT_NE(std::string_view(rule->sentence).find(" clear"), std::string_view::npos);
    }
    EXPECT_EQ(rules, 1u) << DriftKindText(kind);
    const std::string runbook =
        Cat(DRIFTWARDEN_SOURCE_DIR "/docs/runbooks/", DriftKindText(kind), ".md");
    EXPECT_TRUE(ReadPage(runbook).starts_with(Cat("# ", DriftKindText(kind), ":"))) << runbook;
  }
}

TEST(Docs, EveryStateStandsInTheConvergencePage) {
  const std::string page = ReadPage(DRIFTWARDEN_SOURCE_DIR "/docs/convergence.md");
  for (const State state : kAllStates) {
    EXPECT_NE(page.find(Cat("| `", StateText(state), "` |")), std::string::npos)
        << StateText(state);
  }
}

// Line breaks and indentation do not matter.
std::string OneLine(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string word; in >> word;) out += Cat(out.empty() ? "" : " ", word);
  return out;
}

TEST(Docs, EveryCausesSentenceStandsInTheConvergencePageAndHasARunbook) {
  const std::string root = DRIFTWARDEN_SOURCE_DIR "/docs/";
  const std::string page = OneLine(ReadPage(root + "convergence.md"));
  EXPECT_EQ(AllCauseRules().size(), std::size(kAllCauseKinds));
  for (const CauseKind kind : kAllCauseKinds) {
    const CauseRule& rule = CauseRuleOf(kind);
    EXPECT_NE(page.find(rule.sentence), std::string::npos) << rule.sentence;
    EXPECT_TRUE(std::string_view(rule.sentence).starts_with(CauseKindText(kind)));
    // Collapsed alerts lead to the page of their kind of drift.
    const std::string runbook = Cat(root, "runbooks/", CauseKindText(kind), ".md");
    EXPECT_EQ(std::ifstream(runbook).good(), kind != CauseKind::kCollapsed) << runbook;
  }
}

}  // namespace
}  // namespace driftwarden::monitor
