// Writing heads, and the bookkeeping of partial writes.
#include "http/server_output.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace muster::http {
namespace {

constexpr size_t kCopyBelow = 4 << 10;
constexpr size_t kKeepText = 64 << 10;

struct Reason {
  int status;
  std::string_view text;
};

constexpr std::array kReasons = {
  Reason{200, "OK"},
  Reason{201, "Created"},
  Reason{202, "Accepted"},
  Reason{204, "No Content"},
  Reason{206, "Partial Content"},
  Reason{301, "Moved Permanently"},
  Reason{302, "Found"},
  Reason{303, "See Other"},
  Reason{304, "Not Modified"},
  Reason{307, "Temporary Redirect"},
  Reason{308, "Permanent Redirect"},
  Reason{400, "Bad Request"},
  Reason{401, "Unauthorized"},
  Reason{403, "Forbidden"},
  Reason{404, "Not Found"},
  Reason{405, "Method Not Allowed"},
  Reason{406, "Not Acceptable"},
  Reason{408, "Request Timeout"},
  Reason{409, "Conflict"},
  Reason{410, "Gone"},
  Reason{412, "Precondition Failed"},
  Reason{413, "Content Too Large"},
  Reason{415, "Unsupported Media Type"},
  Reason{422, "Unprocessable Content"},
  Reason{429, "Too Many Requests"},
  Reason{431, "Request Header Fields Too Large"},
  Reason{500, "Internal Server Error"},
  Reason{501, "Not Implemented"},
  Reason{502, "Bad Gateway"},
  Reason{503, "Service Unavailable"},
  Reason{504, "Gateway Timeout"},
};

std::string_view reason(int status) {
  const auto* found =
    std::find_if(kReasons.begin(), kReasons.end(), [&](const auto& known) { return known.status == status; });
  return found == kReasons.end() ? "Status" : found->text;
}

/// A value from the application may quote a caller: it must not end its line.
void header_line(Output& out, std::string_view name, std::string_view value) {
  out.text(name);
  out.text(": ");
  if (std::any_of(value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; })) {
    std::string clean(value);
    for (auto& c : clean)
      if (c == '\r' || c == '\n' || c == '\0') c = ' ';
    out.text(clean);
  } else {
    out.text(value);
  }
  out.text("\r\n");
}

}  // namespace

void Output::number(uint64_t value, int base) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  text_.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

void Output::shared(Bytes bytes) {
  if (!bytes || bytes->empty()) return;
  size_ += bytes->size();
  parts_.push_back({text_.size(), std::move(bytes)});
}

void Output::body(std::string own) {
  if (own.size() < kCopyBelow)
    text_ += own;
  else
    shared(std::make_shared<const std::string>(std::move(own)));
}

std::span<const iovec> Output::gather(std::span<iovec> into) const {
  size_t used = 0, from = text_sent_, skip = part_sent_;
  const auto add = [&](std::string_view piece) {
    if (!piece.empty() && used < into.size()) into[used++] = {const_cast<char*>(piece.data()), piece.size()};
  };
  const std::string_view text = text_;
  for (size_t i = part_; i < parts_.size() && used < into.size(); i++) {
    add(text.substr(from, parts_[i].text_end - from));
    from = parts_[i].text_end;
    add(std::string_view(*parts_[i].bytes).substr(skip));
    skip = 0;
  }
  add(text.substr(from));
  return into.first(used);
}

void Output::sent(size_t bytes) {
  sent_ += bytes;
  while (bytes > 0) {
    const auto end = part_ < parts_.size() ? parts_[part_].text_end : text_.size();
    const auto in_text = std::min(bytes, end - text_sent_);
    text_sent_ += in_text;
    bytes -= in_text;
    if (bytes == 0 || part_ == parts_.size()) return;
    const auto& piece = *parts_[part_].bytes;
    const auto in_part = std::min(bytes, piece.size() - part_sent_);
    part_sent_ += in_part;
    bytes -= in_part;
    if (part_sent_ < piece.size()) return;
    part_sent_ = 0;
    parts_[part_++].bytes = nullptr;
  }
}

void Output::clear() {
  if (text_.capacity() > kKeepText)
    std::string().swap(text_);
  else
    text_.clear();
  parts_.clear();
  size_ = sent_ = part_ = text_sent_ = part_sent_ = 0;
}

void write_head(Output& out, const Response& response, const HeadStyle& style) {
  out.text("HTTP/1.1 ");
  out.number(static_cast<uint64_t>(response.status));
  out.text(" ");
  out.text(reason(response.status));
  out.text("\r\nDate: ");
  out.text(style.date);
  if (style.has_length) {
    out.text("\r\nContent-Length: ");
    out.number(style.length);
  }
  if (style.chunked) out.text("\r\nTransfer-Encoding: chunked");
  if (style.length > 0 || style.chunked || !style.has_length) {
    if (!response.content_type.empty() && !bodiless(response.status)) {
      out.text("\r\nContent-Type: ");
      out.text(response.content_type);
    }
  }
  out.text("\r\nX-Request-Id: ");
  out.text(style.request_id);
  if (!style.keep_alive)
    out.text("\r\nConnection: close");
  else if (style.http10)
    out.text("\r\nConnection: keep-alive");
  out.text("\r\n");
  for (const auto& [name, value] : response.headers) header_line(out, name, value);
  out.text("\r\n");
}

bool bodiless(int status) {
  return status == 204 || status == 304 || status < 200;
}

std::string http_date() {
  const auto now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text{};
  const auto n = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                               kDays.at(static_cast<size_t>(utc.tm_wday)), utc.tm_mday,
                               kMonths.at(static_cast<size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                               utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<size_t>(n)};
}

}  // namespace muster::http
