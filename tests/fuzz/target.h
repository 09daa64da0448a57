#pragma once

// A fuzz target: one function over bytes, registered by name. All targets stand in one program, so
// that what they share is built and linked once.
//
//   DW_FUZZ_TARGET(url) { DW_HOLDS(Parse(input).ok() || ...); }
//
// in url_fuzz.cpp, with seeds in corpus/url/. A target finds crashes, what the sanitizers see, and
// broken promises (DW_HOLDS). It keeps nothing between runs.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

namespace driftwarden::fuzz {

using Target = void (*)(std::string_view input);

// By name. Filled before main.
std::map<std::string_view, Target, std::less<>>& Targets();
// Which target LLVMFuzzerTestOneInput runs; false when there is none of that name.
bool SelectTarget(std::string_view name);

struct Registration {
  Registration(std::string_view name, Target target) { Targets()[name] = target; }
};

[[noreturn]] void BrokenPromise(const char* expression, const char* file, int line);

}  // namespace driftwarden::fuzz

// libFuzzer's interface; the replay program calls it too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#define DW_FUZZ_TARGET(name)                                                        \
  static void Fuzz_##name(std::string_view input);                                  \
  static const ::driftwarden::fuzz::Registration kFuzz_##name(#name, &Fuzz_##name); \
  static void Fuzz_##name(std::string_view input)

#define DW_HOLDS(expr)                                               \
  do {                                                               \
    if (!(expr)) [[unlikely]]                                        \
      ::driftwarden::fuzz::BrokenPromise(#expr, __FILE__, __LINE__); \
  } while (false)
