// Links between documents lead somewhere, every runbook that an alert names is there, and every
// configuration key stands in its page.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "monitor/verdict.h"

namespace driftwarden {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot(DRIFTWARDEN_SOURCE_DIR);

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<fs::path> Pages() {
  std::vector<fs::path> pages = {kRoot / "store/FORMAT.md"};
  for (const auto& entry : fs::directory_iterator(kRoot)) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  return pages;
}

// What stands between `begin` and the next of `ends`, for every `begin`.
std::vector<std::string> Between(std::string_view text, std::string_view begin,
                                 std::string_view ends) {
  std::vector<std::string> out;
  for (size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
    at += begin.size();
    out.emplace_back(text.substr(at, text.find_first_of(ends, at) - at));
  }
  return out;
}

// The anchor that a heading gets.
std::string AnchorOf(std::string_view heading) {
  std::string out;
  for (const char c : ToLowerAscii(heading)) {
    if (c == ' ') out.push_back('-');
    if (c == '-' || c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out.push_back(c);
  }
  return out;
}

bool HasAnchor(const std::string& page, std::string_view anchor) {
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const size_t text = line.find_first_not_of('#');
    if (text == 0 || text == std::string::npos || line[text] != ' ') continue;
    if (AnchorOf(std::string_view(line).substr(text + 1)) == anchor) return true;
  }
  return false;
}

TEST(Docs, LinksLeadSomewhere) {
  EXPECT_GT(Pages().size(), 10u);
  for (const fs::path& page : Pages()) {
    for (const std::string& link : Between(ReadAll(page), "](", ")")) {
      if (link.starts_with("http")) continue;
      const size_t hash = link.find('#');
      const std::string file = link.substr(0, hash);
      const fs::path target = file.empty() ? page : page.parent_path() / file;
      EXPECT_TRUE(fs::exists(target)) << page << ": " << link;
      if (hash == std::string::npos || !fs::is_regular_file(target)) continue;
      EXPECT_TRUE(HasAnchor(ReadAll(target), link.substr(hash + 1))) << page << ": " << link;
    }
  }
}

TEST(Docs, EveryAlertHasItsRunbook) {
  const std::string rules = ReadAll(kRoot / "deploy/prometheus/driftwarden.rules.yml");
  const std::vector<std::string> named = Between(rules, "runbook_url: ", " \n");
  EXPECT_FALSE(named.empty());
  for (const std::string& runbook : named) EXPECT_TRUE(fs::exists(kRoot / runbook)) << runbook;
  // The daemon's own alerts name the drift kind.
  for (const monitor::DriftKind kind : monitor::kAllDriftKinds) {
    const std::string name = Cat(monitor::DriftKindText(kind), ".md");
    EXPECT_TRUE(fs::exists(kRoot / "docs/runbooks" / name)) << name;
  }
}

// Every test of every suite, as "Suite.Name", and those of pytest by their names.
std::string NamesOfTests() {
  std::string names;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "tests")) {
    const std::string extension = entry.path().extension();
    if (extension != ".cpp" && extension != ".py") continue;
    const std::string code = ReadAll(entry.path());
    for (const std::string_view form : {"\nTEST(", "\nTEST_F(", "\nTEST_P("}) {
      for (std::string name : Between(code, form, ")")) {
        const size_t comma = name.find(',');
        if (comma == std::string::npos) continue;
        const size_t second = name.find_first_not_of(" \n", comma + 1);
        names += Cat("`", name.substr(0, comma), ".", name.substr(second), "` ");
      }
    }
    for (const std::string& name : Between(code, "\nSTAYS_SHUT(", ")")) {
      names += Cat("`", name.substr(0, name.find(',')), "Vectors.",
                   name.substr(name.find_first_not_of(" \n", name.find(',') + 1)), "` ");
    }
    for (const std::string& name : Between(code, "\ndef ", "(")) names += Cat("`", name, "` ");
  }
  return names;
}

TEST(Docs, EveryHardCaseIsATest) {
  const std::string page = ReadAll(kRoot / "docs/convergence.md");
  const size_t begin = page.find("## Hard cases");
  ASSERT_NE(begin, std::string::npos);
  const std::string table = page.substr(begin, page.find("\n## ", begin + 1) - begin);
  const std::string names = NamesOfTests();
  const std::vector<std::string> tests = Between(table, "| `", "`");
  EXPECT_GE(tests.size(), 30u);
  for (const std::string& test : tests) {
    EXPECT_NE(names.find(Cat("`", test, "`")), std::string::npos) << test << " is no test";
  }
}

TEST(Docs, EveryConfigurationKeyStandsInItsPage) {
  const std::string page = ReadAll(kRoot / "docs/configure.md");
  std::set<std::string> keys;
  for (const char* file :
       {"config.cpp", "config_policy.cpp", "config_sources.cpp", "config_tenants.cpp"}) {
    const std::string code = ReadAll(kRoot / "daemon" / file);
    for (const std::string_view call :
         {".Map(\"", ".Text(\"", ".Texts(\"", ".Require(\"", ".Flag(\"", ".Integer(\"",
          ".Number(\"", ".Duration(\"", ".Choice(\"", ".Each(\"", ".NotYet(\"", "section, \"",
          "tls, \"", "budgets, \""}) {
      for (std::string& key : Between(code, call, "\"")) keys.insert(std::move(key));
    }
  }
  EXPECT_GT(keys.size(), 50u);
  constexpr std::pair<std::string_view, std::string_view> kForms[] = {
      {"`", "`"}, {"`", "[]`"}, {"`", "."}, {"`", "[]."}, {".", "`"}, {".", "."}};
  for (const std::string& key : keys) {
    const bool found = std::any_of(std::begin(kForms), std::end(kForms), [&](const auto& form) {
      return page.find(Cat(form.first, key, form.second)) != std::string::npos;
    });
    EXPECT_TRUE(found) << key;
  }
}

}  // namespace
}  // namespace driftwarden
