#pragma once

// DW_CHECK is for states that cannot be: always on, in release too. The program is crash-safe, so
// stopping is cheap and right. Never use it on input from outside.

namespace driftwarden {
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);
}

#define DW_CHECK(expr)                                       \
  do {                                                       \
    if (!(expr)) [[unlikely]]                                \
      ::driftwarden::CheckFailed(#expr, __FILE__, __LINE__); \
  } while (false)
