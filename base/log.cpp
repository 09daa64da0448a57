#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/time.h"

namespace driftwarden {
namespace {

void AppendJsonString(std::string& out, std::string_view s) {
  out.push_back('"');
  for (const char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      constexpr char kDigits[] = "0123456789abcdef";
      out.append("\\u00");
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

bool NeedsQuotes(std::string_view s) {
  return s.empty() || s.find_first_of(" =\"\\") != std::string_view::npos;
}

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

struct Logger::Impl {
  LogFormat format;
  SystemClock clock;
  spdlog::logger logger;

  Impl(LogLevel level, LogFormat f, spdlog::sink_ptr sink)
      : format(f), logger("driftwarden", std::move(sink)) {
    logger.set_pattern("%v");
    logger.set_level(ToSpdlog(level));
    logger.flush_on(spdlog::level::debug);
  }

  void Append(std::string& line, const LogField& field) const {
    if (format == LogFormat::kJson) {
      line.push_back(',');
      AppendJsonString(line, field.key);
      line.push_back(':');
      const std::string text = Printable(field.value, 4000);
      if (field.quoted) {
        AppendJsonString(line, text);
      } else {
        line.append(text);
      }
      return;
    }
    line.push_back(' ');
    line.append(field.key);
    line.push_back('=');
    const std::string text = Printable(field.value, 4000);
    if (NeedsQuotes(text)) {
      AppendJsonString(line, text);
    } else {
      line.append(text);
    }
  }
};

Logger::Logger() : Logger(LogLevel::kInfo, LogFormat::kLogfmt) {}

Logger::Logger(LogLevel level, LogFormat format)
    : impl_(std::make_unique<Impl>(level, format,
                                   std::make_shared<spdlog::sinks::stderr_sink_mt>())) {}

Logger::Logger(LogLevel level, LogFormat format, const std::string& path)
    : impl_(std::make_unique<Impl>(level, format,
                                   std::make_shared<spdlog::sinks::basic_file_sink_mt>(path))) {}

Logger::~Logger() = default;

void Logger::Write(LogLevel level, std::string_view event, std::string_view text,
                   const LogField* begin, const LogField* end) {
  if (!impl_->logger.should_log(ToSpdlog(level))) return;
  std::string line;
  const std::string at = FormatRfc3339(impl_->clock.Wall());
  if (impl_->format == LogFormat::kJson) {
    line.append("{\"time\":");
    AppendJsonString(line, at);
  } else {
    line.append("time=").append(at);
  }
  impl_->Append(line, LogField("level", kNames[static_cast<int>(level)]));
  impl_->Append(line, LogField("event", event));
  impl_->Append(line, LogField("msg", text));
  for (const LogField* field = begin; field != end; ++field) impl_->Append(line, *field);
  if (impl_->format == LogFormat::kJson) line.push_back('}');
  impl_->logger.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace driftwarden
