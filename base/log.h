#pragma once

// Structured event log: one line an event, `event` a stable snake_case name, the rest key=value.
// spdlog is hidden in log.cpp. Never pass a Secret's content. Values are quoted and escaped as the
// format needs. Thread-safe. A Logger that was never configured writes logfmt at info to stderr.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/strings.h"

namespace driftwarden {

enum class LogLevel { kDebug = 0, kInfo = 1, kWarn = 2, kError = 3 };
enum class LogFormat { kLogfmt, kJson };

struct LogField {
  std::string_view key;
  std::string value;
  bool quoted = true;  // false: a JSON number or boolean

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  template <typename T>
  requires std::is_arithmetic_v<T> LogField(std::string_view k, T v)
      : key(k), value(Cat(v)), quoted(false) {}
};

class Logger {
 public:
  Logger();  // info, logfmt, stderr
  Logger(LogLevel level, LogFormat format);
  // Appends to a file instead of stderr.
  Logger(LogLevel level, LogFormat format, const std::string& path);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  void Log(LogLevel level, std::string_view event, std::string_view text,
           std::initializer_list<LogField> fields) {
    Write(level, event, text, fields.begin(), fields.end());
  }

  void Debug(std::string_view event, std::string_view text,
             std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kDebug, event, text, fields);
  }
  void Info(std::string_view event, std::string_view text,
            std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kInfo, event, text, fields);
  }
  // For lines whose fields are not the same each time.
  void Info(std::string_view event, std::string_view text, const std::vector<LogField>& fields) {
    Write(LogLevel::kInfo, event, text, fields.data(), fields.data() + fields.size());
  }
  void Warn(std::string_view event, std::string_view text, const std::vector<LogField>& fields) {
    Write(LogLevel::kWarn, event, text, fields.data(), fields.data() + fields.size());
  }
  void Warn(std::string_view event, std::string_view text,
            std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kWarn, event, text, fields);
  }
  void Error(std::string_view event, std::string_view text,
             std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kError, event, text, fields);
  }

 private:
  void Write(LogLevel level, std::string_view event, std::string_view text, const LogField* begin,
             const LogField* end);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwarden
