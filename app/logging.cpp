// Setting up spdlog.
#include "app/logging.hpp"

#include <cstdlib>

#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/json.hpp"

namespace muster::app {
namespace {

constexpr size_t kGathered = 64 << 10;  // Bytes that are written at once, at most.
constexpr std::chrono::seconds kFlushEvery{1};
constexpr std::string_view kYellow = "\x1b[33m", kRed = "\x1b[31m", kPlain = "\x1b[0m";

/// As --log-time says; empty: no time.
std::string time_text(const std::string& form, spdlog::log_clock::time_point at) {
  const auto time = to_rfc3339(std::chrono::floor<Millis>(at));
  if (form == "rfc3339") return time.substr(0, time.size() - 5) + "Z";
  if (form == "unix")
    return std::to_string(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count());
  return form == "none" ? std::string{} : time;
}

/// {"time":...,"level":...,"message":...}. A message that begins with `"message":` is a list of members
/// already.
class JsonFormatter : public spdlog::formatter {
public:
  explicit JsonFormatter(std::string time) : time_(std::move(time)) {}

  void format(const spdlog::details::log_msg& entry, spdlog::memory_buf_t& out) override {
    std::string line = "{";
    if (const auto time = time_text(time_, entry.time); !time.empty())
      time_ == "unix" ? line.append("\"time\":").append(time).append(",")
                      : line.append("\"time\":\"").append(time).append("\",");
    const auto level = spdlog::level::to_string_view(entry.level);
    line.append("\"level\":\"").append(level.data(), level.size()).append("\",");
    const std::string_view message{entry.payload.data(), entry.payload.size()};
    if (message.starts_with("\"message\":")) {
      line += message;
    } else {
      line += "\"message\":";
      append_json_string(line, is_utf8(message) ? message : "(not UTF-8)");
    }
    line += "}\n";
    out.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonFormatter>(time_);
  }

private:
  const std::string time_;
};

/// What stands before the level in a line for people.
std::string time_pattern(const std::string& form) {
  if (form == "rfc3339") return "%Y-%m-%dT%H:%M:%SZ ";
  if (form == "unix") return "%E ";
  return form == "none" ? "" : "%Y-%m-%dT%H:%M:%S.%eZ ";
}

/// Gathers lines, so that a request's line costs no system call of its own.
class GatheringSink : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit GatheringSink(bool colour) : colour_(colour) {}

protected:
  void sink_it_(const spdlog::details::log_msg& entry) override {
    spdlog::memory_buf_t line;
    formatter_->format(entry, line);
    if (colour_ && entry.level >= spdlog::level::warn) {
      const std::string_view text{line.data(), line.size()};
      const auto from = entry.color_range_start, to = entry.color_range_end;
      gathered_.append(text.substr(0, from)).append(entry.level == spdlog::level::warn ? kYellow : kRed);
      gathered_.append(text.substr(from, to - from)).append(kPlain).append(text.substr(to));
    } else {
      gathered_.append(line.data(), line.size());
    }
    if (gathered_.size() >= kGathered) flush_();
  }
  void flush_() override {
    for (std::string_view rest{gathered_}; !rest.empty();) {
      const auto written = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (written <= 0) break;  // Nobody reads the log any more: the node goes on.
      rest.remove_prefix(static_cast<size_t>(written));
    }
    gathered_.clear();
  }

private:
  bool colour_;
  std::string gathered_;
};

}  // namespace

bool set_up_log(const config::Config& config) {
  const auto& format = config.text("log");
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const bool json = format == "json" || (format == "auto" && !terminal);
  const char* no_colour = std::getenv("NO_COLOR");
  const bool colour = terminal && !json && !config.flag("log-no-color") && (!no_colour || *no_colour == 0);
  auto sink = std::make_shared<GatheringSink>(colour);
  if (json)
    sink->set_formatter(std::make_unique<JsonFormatter>(config.text("log-time")));
  else
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      time_pattern(config.text("log-time")) + "%^%-5l%$ %v", spdlog::pattern_time_type::utc));
  auto logger = std::make_shared<spdlog::logger>("muster", std::move(sink));
  logger->set_level(spdlog::level::from_str(config.text("log-level")));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  spdlog::flush_every(kFlushEvery);
  return json;
}

}  // namespace muster::app
