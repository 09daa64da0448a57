// GCC 12 miscompiles two families of ordinary coroutine code without a warning:
//   A. a temporary aggregate or a capturing lambda made inside a full expression that contains
//      co_await is destroyed twice;
//   B. if/while/switch (co_await f()) in a coroutine without local variables resumes into garbage.
// One habit avoids both: awaited calls get named arguments, and the result goes into a named local
// before it is tested. These rules hold the tree to the habit.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace driftwarden::tidy {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Whether the brace at `at` opens a block (a function's, a loop's …) and not an initialiser.
bool OpensBlock(std::string_view code, size_t at) {
  const size_t before = PreviousVisible(code, at);
  if (before == kNone) return true;
  const char c = code[before];
  if (c == ')' || c == '{' || c == '}' || c == ';' || c == ':') return true;
  const std::string_view head = code.substr(0, before + 1);
  for (const std::string_view word :
       {"else", "do", "try", "const", "noexcept", "override", "final", "mutable"}) {
    if (head.ends_with(word) &&
        (head.size() == word.size() || !IsWordChar(head[head.size() - word.size() - 1]))) {
      return true;
    }
  }
  // A lambda without parameters: ] {. An array's ] never stands before a brace.
  if (c == ']') return true;
  // A trailing return type: -> asio::awaitable<void> {
  const size_t arrow = head.rfind("->");
  return arrow != kNone && head.find_first_of("();={}", arrow) == kNone;
}

// Whether the bracket at `at` begins a lambda's capture and not an index or a structured binding.
bool OpensCapture(std::string_view code, size_t at) {
  const size_t before = PreviousVisible(code, at);
  if (before == kNone) return false;
  const char c = code[before];
  if (c == ')' || c == ']' || c == '[' || c == '&' || IsWordChar(c)) {
    // `return [` and `co_await [` are lambdas all the same.
    const std::string_view head = code.substr(0, before + 1);
    return head.ends_with("return") || head.ends_with("co_await") || head.ends_with("co_yield");
  }
  return at + 1 < code.size() && code[at + 1] != '[';  // [[attribute]]
}

// A closing brace ends a statement unless an expression goes on behind it: f(Agg{a}, co_await b()).
bool ExpressionGoesOn(std::string_view code, size_t close) {
  const size_t next = code.find_first_not_of(" \t\r\n", close + 1);
  return next != kNone && std::string_view(",)+.?:|=<>").find(code[next]) != kNone;
}

std::string_view ForbiddenIn(std::string_view code, size_t at) {
  if (code[at] == '[' && OpensCapture(code, at)) {
    return "a lambda inside an awaited expression is destroyed twice by GCC 12; name it first";
  }
  if (code[at] == '{' && !OpensBlock(code, at)) {
    return "a braced temporary inside an awaited expression is destroyed twice by GCC 12; name it "
           "first";
  }
  return {};
}

// Looks from the co_await to both ends of its statement.
std::string_view CheckStatement(std::string_view code, size_t await) {
  for (size_t at = await; at-- > 0;) {
    const char c = code[at];
    if (c == ';' || (c == '{' && OpensBlock(code, at))) break;
    if (c == '}' && !ExpressionGoesOn(code, at)) break;
    if (const std::string_view what = ForbiddenIn(code, at); !what.empty()) return what;
  }
  for (size_t at = await; at < code.size(); ++at) {
    if (code[at] == ';') break;
    if (const std::string_view what = ForbiddenIn(code, at); !what.empty()) return what;
    if (code[at] == '{') break;  // the block behind a condition; the condition has its own rule
  }
  return {};
}

void CheckConditions(const Source& source, std::vector<Finding>* out) {
  const std::string_view code = source.code;
  for (const std::string_view word : {"if", "while", "switch", "for"}) {
    for (size_t at = FindWord(code, word, 0); at != kNone; at = FindWord(code, word, at + 1)) {
      const size_t open = code.find_first_not_of(" \t\r\n", at + word.size());
      if (open == kNone || code[open] != '(') continue;
      const size_t close = MatchingBracket(code, open);
      if (close == kNone) continue;
      const std::string_view inside = code.substr(open + 1, close - open - 1);
      if (FindWord(inside, "co_await", 0) == kNone) continue;
      // Right: if (const auto v = co_await f(); v)
      const size_t semicolon = inside.find(';');
      const bool init_form = word != "for" && semicolon != kNone &&
                             FindWord(inside, "co_await", semicolon) == kNone &&
                             inside.substr(0, semicolon).find('=') != kNone;
      if (!init_form) {
        out->push_back({source.path, LineOf(code, at),
                        std::string(word) + " (co_await …) may never resume with GCC 12; put the "
                                            "result into a named local first"});
      }
    }
  }
}

// Parameters that are views of what the caller may drop before the coroutine resumes.
void CheckParameters(const Source& source, std::vector<Finding>* out) {
  const std::string_view code = source.code;
  for (size_t at = FindWord(code, "awaitable", 0); at != kNone;
       at = FindWord(code, "awaitable", at + 1)) {
    size_t cursor = at + std::string_view("awaitable").size();
    if (cursor >= code.size() || code[cursor] != '<') continue;
    int depth = 0;
    for (; cursor < code.size(); ++cursor) {
      if (code[cursor] == '<') ++depth;
      if (code[cursor] == '>' && --depth == 0) break;
    }
    const size_t open = code.find('(', cursor);
    if (open == kNone || open <= cursor + 1) continue;
    // Only a name may stand between: a declaration, not a variable or a cast.
    const std::string_view name = code.substr(cursor + 1, open - cursor - 1);
    if (name.find_first_of(";={})<>,*&") != kNone) continue;
    const size_t close = MatchingBracket(code, open);
    if (close == kNone) continue;
    const std::string_view parameters = code.substr(open, close - open);
    for (const std::string_view bad : {"const std::string&", "string_view", "std::span"}) {
      if (parameters.find(bad) != kNone) {
        out->push_back({source.path, LineOf(code, open),
                        "a coroutine takes " + std::string(bad) +
                            "; take it by value, the caller's may be gone when it resumes"});
      }
    }
  }
}

// [x](…) -> asio::awaitable<…>: the captures die with the lambda object, the coroutine goes on.
void CheckLambdas(const Source& source, std::vector<Finding>* out) {
  const std::string_view code = source.code;
  for (size_t at = code.find('['); at != kNone; at = code.find('[', at + 1)) {
    if (!OpensCapture(code, at)) continue;
    const size_t end = MatchingBracket(code, at);
    if (end == kNone) continue;
    const bool captures = code.substr(at + 1, end - at - 1).find_first_not_of(" \t\r\n") != kNone;
    size_t cursor = code.find_first_not_of(" \t\r\n", end + 1);
    if (!captures || cursor == kNone) continue;
    if (code[cursor] == '(') {
      cursor = MatchingBracket(code, cursor);
      if (cursor == kNone) continue;
      ++cursor;
    }
    const size_t body = code.find('{', cursor);
    if (body == kNone) continue;
    const std::string_view type = code.substr(cursor, body - cursor);
    if (type.find("->") != kNone && type.find("awaitable<") != kNone &&
        type.find_first_of(";)") == kNone) {
      out->push_back({source.path, LineOf(code, at),
                      "a coroutine lambda captures nothing; pass its state as parameters"});
    }
  }
}

}  // namespace

std::vector<Finding> CheckCoroutines(const Source& source) {
  std::vector<Finding> out;
  for (size_t at = FindWord(source.code, "co_await", 0); at != kNone;
       at = FindWord(source.code, "co_await", at + 1)) {
    const std::string_view what = CheckStatement(source.code, at);
    if (!what.empty()) out.push_back({source.path, LineOf(source.code, at), std::string(what)});
  }
  CheckConditions(source, &out);
  CheckParameters(source, &out);
  CheckLambdas(source, &out);
  return out;
}

}  // namespace driftwarden::tidy
