// Holds the tree to its own rules, and proves that each rule bites. Add a rule here when a review
// has to say something twice.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"
#include "tests/tidy/source.h"

namespace driftwarden::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 17> kFolders = {
    "base",   "monitor",     "net",       "store",  "metrics", "watchers",
    "alerts", "remediation", "simulator", "daemon", "tests",   "bench",
    "script", "cmake",       "deploy",    "docs",   ".ci"};

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

bool IsText(const fs::path& path) {
  const std::string extension = path.extension();
  return extension == ".h" || extension == ".cpp" || extension == ".py" || extension == ".cmake" ||
         extension == ".md" || extension.empty() || path.filename() == "CMakeLists.txt";
}

const std::vector<Source>& Tree() {
  static const std::vector<Source> tree = [] {
    std::vector<Source> out;
    const fs::path root(DRIFTWARDEN_SOURCE_DIR);
    for (const std::string_view folder : kFolders) {
      if (!fs::exists(root / folder)) continue;
      for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        const std::string path = fs::relative(entry.path(), root).generic_string();
        const bool data = path.find("/golden/") != std::string::npos ||
                          path.find("/corpus/") != std::string::npos;
        if (entry.is_regular_file() && IsText(entry.path()) && !data) {
          out.emplace_back(path, ReadAll(entry.path()));
        }
      }
    }
    return out;
  }();
  return tree;
}

std::string Show(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += finding.path + ":" + std::to_string(finding.line) + ": " + finding.what + "\n";
  }
  return out;
}

std::vector<Finding> OverTree(std::vector<Finding> (*check)(const Source&)) {
  std::vector<Finding> out;
  for (const Source& source : Tree()) {
    if (!source.IsCpp() && check != CheckShape) continue;
    const std::vector<Finding> found = check(source);
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

TEST(Tidy, TreeIsFound) {
  EXPECT_GT(Tree().size(), 20u) << DRIFTWARDEN_SOURCE_DIR;
}
TEST(Tidy, ModulesUseOnlyWhatStandsBelowThem) {
  EXPECT_EQ(Show(OverTree(CheckIncludes)), "");
}
TEST(Tidy, ClocksDiceAndSleepAreInjected) {
  EXPECT_EQ(Show(OverTree(CheckBannedCalls)), "");
}
TEST(Tidy, FilesAreShortAndFinished) {
  EXPECT_EQ(Show(OverTree(CheckShape)), "");
}
TEST(Tidy, CoroutinesAvoidWhatGcc12Miscompiles) {
  EXPECT_EQ(Show(OverTree(CheckCoroutines)), "");
}

TEST(Tidy, EverySourceFileIsBuilt) {
  std::map<std::string, std::string> lists;  // folder -> its CMakeLists.txt
  for (const Source& source : Tree()) {
    const fs::path path(source.path);
    if (path.filename() == "CMakeLists.txt")
      lists[path.parent_path().generic_string()] = source.text;
  }
  std::string dead;
  for (const Source& source : Tree()) {
    if (!source.path.ends_with(".cpp")) continue;
    const fs::path path(source.path);
    // A list names its own files, or a neighbour's as ../folder/file.cpp.
    const std::string tail = (path.parent_path().filename() / path.filename()).generic_string();
    const auto names_it = [&](const auto& list) {
      const std::string name = path.lexically_relative(list.first).generic_string();
      return FindWord(list.second, name, 0) != std::string::npos ||
             FindWord(list.second, tail, 0) != std::string::npos;
    };
    if (!std::ranges::any_of(lists, names_it))
      dead += source.path + " stands in no CMakeLists.txt\n";
  }
  EXPECT_EQ(dead, "");
}

// A rule and the samples it must and must not find.
struct Sample {
  std::string_view path;
  std::string_view text;
  bool bites;
};

void ExpectSamples(std::vector<Finding> (*check)(const Source&),
                   const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) {
    const std::vector<Finding> found =
        check(Source(std::string(sample.path), std::string(sample.text)));
    EXPECT_EQ(!found.empty(), sample.bites) << sample.path << ": " << sample.text << "\n"
                                            << Show(found);
  }
}

TEST(TidyRules, LevelsBite) {
  ExpectSamples(CheckIncludes,
                {{"monitor/a.cpp", "#include \"store/state_store.h\"\n", true},
                 {"monitor/a.cpp", "#include \"base/async/lane.h\"\n", true},
                 {"monitor/a.cpp", "#include \"base/time.h\"\n", false},
                 {"monitor/a.cpp", "#include \"monitor/b.h\"\n", false},
                 {"monitor/a.cpp", "// #include \"store/state_store.h\"\n", false},
                 {"simulator/a.h", "#include \"monitor/ids.h\"\n", true},
                 {"simulator/a.h", "#include \"net/http.h\"\n", false},
                 {"base/a.h", "#include \"base/async/lane.h\"\n", true},
                 {"base/async/a.h", "#include \"base/time.h\"\n", false},
                 {"watchers/graph/a.h", "#include \"watchers/source_loop.h\"\n", true},
                 {"watchers/a.h", "#include \"watchers/graph/client.h\"\n", false},
                 {"watchers/directory/a.h", "#include \"watchers/graph/client.h\"\n", true},
                 {"alerts/a.h", "#include \"store/state_store.h\"\n", true},
                 {"daemon/a.h", "#include \"simulator/tenant.h\"\n", false},
                 {"net/a.cpp", "#include \"tests/testing/fake_clock.h\"\n", true},
                 {"tests/net/a.cpp", "#include \"tests/testing/fake_clock.h\"\n", false}});
}

TEST(TidyRules, HeavyHeadersBite) {
  ExpectSamples(CheckIncludes,
                {{"net/http_client.cpp", "#include <boost/beast/http.hpp>\n", false},
                 {"net/http.h", "#include <boost/beast/http.hpp>\n", true},
                 {"daemon/api.cpp", "#include <boost/asio/ssl/stream.hpp>\n", true},
                 {"store/rocks_store.cpp", "#include <rocksdb/db.h>\n", false},
                 {"store/mem_store.cpp", "#include <rocksdb/db.h>\n", true},
                 {"watchers/graph/client.cpp", "#include <simdjson.h>\n", true},
                 {"watchers/directory/session_openldap.cpp", "#include <ldap.h>\n", false},
                 {"watchers/directory/observe.cpp", "#include <ldap.h>\n", true},
                 {"monitor/a.cpp", "#include <boost/asio/awaitable.hpp>\n", true},
                 {"base/a.h", "#include <regex>\n", true},
                 {"base/a.h", "#include <iostream>\n", true},
                 {"daemon/main.cpp", "#include <iostream>\n", false},
                 {"tests/store/a_test.cpp", "#include <rocksdb/db.h>\n", false}});
}

TEST(TidyRules, BannedCallsBite) {
  ExpectSamples(CheckBannedCalls, {{"daemon/a.cpp", "auto t = absl::Now();", true},
                                   {"base/time.cpp", "auto t = absl::Now();", false},
                                   {"daemon/a.cpp", "auto t = absl::NowhereElse();", false},
                                   {"daemon/a.cpp", "// absl::Now()\n", false},
                                   {"daemon/a.cpp", "Log(\"absl::Now()\");", false},
                                   {"daemon/a.cpp", "std::chrono::steady_clock::now();", true},
                                   {"tests/a_test.cpp", "std::chrono::steady_clock::now();", false},
                                   {"tests/a_test.cpp", "std::this_thread::sleep_for(1s);", true},
                                   {"simulator/a.cpp", "std::random_device device;", true},
                                   {"simulator/a.cpp", "usleep(5);", true},
                                   {"monitor/a.cpp", "int operand = std::randomize();", false}});
}

TEST(TidyRules, ShapeBites) {
  const std::string leftover = std::string("// TO") + "DO: later\n";
  ExpectSamples(CheckShape, {{"base/a.h", "#pragma once\n", false},
                             {"base/a.h", "int x;\n", true},
                             {"base/a.h", "// #pragma once\n", true},
                             {"base/a.cpp", leftover, true},
                             {"script/a.py", leftover, true},
                             {"base/a.cpp", "char pattern[] = \"/tmp/aXXXXXX\";\n", false},
                             {"base/a.cpp", "int x;", true},
                             {"base/a.cpp", "#include \"base/a.h\"\n#include <string>\n", false},
                             {"base/a.cpp", "#include <string>\n#include \"base/a.h\"\n", true}});
  std::string text;
  for (int i = 0; i < 500; ++i) text += "\n";
  EXPECT_TRUE(CheckShape(Source("base/a.cpp", text)).empty());
  EXPECT_FALSE(CheckShape(Source("base/a.cpp", text + "\n")).empty());
}

TEST(TidyRules, AwaitedStatementsBite) {
  const auto in_body = [](std::string_view statement) {
    return Source("net/a.cpp", "asio::awaitable<void> F() {\n  int x = 0;\n  " +
                                   std::string(statement) + "\n}\n");
  };
  for (const std::string_view bad : {
           "co_await f(Agg{a, b});",
           "co_await f({.x = a});",
           "co_await f([x] { return x; });",
           "co_await [x]() -> asio::awaitable<void> { co_return; }();",
           "const auto v = co_await f([&x](int y) { return x + y; });",
           "Agg g{T{}, T{}, co_await n()};",
           "const auto v = g(Agg{a}, co_await n());",
           "const auto v = c ? co_await f(a) : co_await f(Agg{a});",
           "std::vector<int> v = {1, co_await n()};",
           "co_await f(\n      Agg{a});",
           "DW_CO_ASSIGN_OR_RETURN(auto v, co_await f(Agg{a}));",
           "co_return co_await f({a});",
       }) {
    EXPECT_FALSE(CheckCoroutines(in_body(bad)).empty()) << bad;
  }
  for (const std::string_view good : {
           "const auto v = co_await f(std::move(named));",
           "const auto [error, size] = co_await s.async_read(b, asio::as_tuple(use));",
           "const auto v = co_await f(list[3], map.at(\"{\"));",
           "if (x) {\n co_await f();\n } else {\n co_await g();\n }\n co_await h();",
           "for (auto& item : items) {\n co_await f(&item);\n }",
           "Agg g{a};\n co_await f(std::move(g));",
           "auto fn = [x] { return x; };\n co_await OnLane(lane, std::move(fn));",
           "DW_CO_RETURN_IF_ERROR(co_await f());",
           "// co_await f(Agg{})",
           "switch (x) {\n case 1: {\n co_await f();\n break; }\n default:\n co_await g();\n }",
           "auto run = [](A* a) -> asio::awaitable<void> {\n co_await a->f();\n };",
           "while (true) co_await f();",
           "if (const auto v = co_await f(); v.ok()) {\n g({v});\n }",
       }) {
    EXPECT_EQ(Show(CheckCoroutines(in_body(good))), "") << good;
  }
}

TEST(TidyRules, AwaitedConditionsBite) {
  ExpectSamples(CheckCoroutines,
                {{"net/a.cpp", "void f() { if (co_await f()) g(); }", true},
                 {"net/a.cpp", "void f() { while (!co_await f()) {} }", true},
                 {"net/a.cpp", "void f() { switch (co_await f()) {} }", true},
                 {"net/a.cpp", "void f() { for (auto x : co_await f()) {} }", true},
                 {"net/a.cpp", "void f() { if (a; co_await f()) g(); }", true},
                 {"net/a.cpp", "void f() { if (auto a = co_await f(); a) g(); }", false},
                 {"net/a.cpp", "void f() { if (co_awaited) g(); }", false}});
}

TEST(TidyRules, CoroutineLifetimesBite) {
  ExpectSamples(
      CheckCoroutines,
      {{"net/a.h", "asio::awaitable<Status> Send(const std::string& url);", true},
       {"net/a.h", "asio::awaitable<StatusOr<int>> A::Send(int a, std::string_view url);", true},
       {"net/a.h", "asio::awaitable<Status> Send(std::string url, Clock& clock);", false},
       {"net/a.h", "asio::awaitable<void> task;\nvoid Start(const std::string& name);", false},
       {"net/a.h", "void Spawn(asio::awaitable<void> task);\nint f(std::string_view x);", false},
       {"net/a.cpp", "auto f = [x](int y) -> asio::awaitable<void> { co_return; };", true},
       {"net/a.cpp", "auto f = [this]() mutable -> asio::awaitable<int> { co_return 1; };", true},
       {"net/a.cpp", "auto f = [](int y) -> asio::awaitable<void> { co_return; };", false},
       {"net/a.cpp", "auto f = [x](int y) { return x + y; };", false}});
}

}  // namespace
}  // namespace driftwarden::tidy
