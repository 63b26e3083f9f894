// Drawing in place.
#include "app/cli/status_line.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ostream>

namespace muster::cli {
namespace {

constexpr size_t kBar = 20;  // Columns of the bar.
constexpr Millis kSoon{100};

std::string elapsed(Time from, Time now) {
  const auto seconds = now > from ? std::chrono::duration_cast<std::chrono::seconds>(now - from).count() : 0;
  const auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const auto minutes = two(seconds / 60 % 60) + ":" + two(seconds % 60);
  return seconds < 3600 ? minutes : std::to_string(seconds / 3600) + ":" + minutes;
}

std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

}  // namespace

std::optional<Progress> progress_of(std::string_view line) {
  constexpr std::string_view kStart = "::progress ";
  if (!line.starts_with(kStart)) return std::nullopt;
  line.remove_prefix(kStart.size());
  const auto done = take_number(line);
  if (!done || !line.starts_with('/')) return std::nullopt;
  line.remove_prefix(1);
  const auto total = take_number(line);
  if (!total || *total == 0 || *done > *total) return std::nullopt;
  if (!line.empty() && line.front() != ' ') return std::nullopt;
  if (!line.empty()) line.remove_prefix(1);
  return Progress{*done, *total, printable(line)};
}

void StatusLine::begin(const std::string& step, size_t steps, Time now) {
  if (began_ == Time{}) began_ = now;
  step_ = step;
  number_++;
  steps_ = steps;
  progress_.reset();
}

void StatusLine::end() {
  clear();
  step_.clear();
}

void StatusLine::clear() {
  if (!drawn_) return;
  out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

std::string StatusLine::text(Time now) const {
  std::string line = elapsed(began_, now) + "  ";
  if (steps_ > 1) line += std::to_string(std::min(number_, steps_)) + "/" + std::to_string(steps_) + "  ";
  line += printable(step_);
  if (!progress_) return line;
  const auto share = static_cast<double>(progress_->done) / static_cast<double>(progress_->total);
  const auto full = static_cast<size_t>(share * kBar);
  line += "  [" + std::string(full, '#') + std::string(kBar - full, '.') + "] " +
          std::to_string(static_cast<int>(share * 100)) + " %";
  return progress_->text.empty() ? line : line + "  " + progress_->text;
}

void StatusLine::draw(Time now) {
  if (!shown() || step_.empty()) return;
  auto line = text(now);
  // One column less than there are: a full line would wrap.
  if (terminal_.width > 1) line = fitted(line, terminal_.width - 1);
  out_ << "\r\x1b[K" << painted(line, Colour::dim, terminal_) << std::flush;
  drawn_ = true;
  drawn_at_ = now;
}

void StatusLine::draw_soon(Time now) {
  if (now - drawn_at_ >= kSoon) draw(now);
}

}  // namespace muster::cli
