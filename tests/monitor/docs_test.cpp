// What docs/convergence.md says of a rule is what stands beside the rule.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/strings.h"
#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

// Line breaks and indentation do not matter.
std::string OneLine(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string word; in >> word;) out += Cat(out.empty() ? "" : " ", word);
  return out;
}

TEST(Docs, EveryRulesSentenceStandsInTheConvergencePage) {
  std::ifstream in(DRIFTWARDEN_SOURCE_DIR "/docs/convergence.md");
  ASSERT_TRUE(in.good());
  std::ostringstream text;
  text << in.rdbuf();
  const std::string page = OneLine(text.str());
  EXPECT_EQ(AllRules().size(), std::size(kAllDriftKinds));
  for (const Rule* rule : AllRules()) {
    EXPECT_NE(page.find(rule->sentence), std::string::npos) << rule->sentence;
    EXPECT_NE(page.find(Cat("| `", DriftKindText(rule->kind), "` |")), std::string::npos);
    EXPECT_TRUE(std::string_view(rule->sentence).starts_with(DriftKindText(rule->kind)));
  }
  for (const State state : kAllStates) {
    EXPECT_NE(page.find(Cat("| `", StateText(state), "` |")), std::string::npos)
        << StateText(state);
  }
}

}  // namespace
}  // namespace driftwarden::monitor
