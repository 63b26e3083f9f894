// What goes out in one gather write: heads and small bodies as text, shared bodies where they are.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include "http/message.hpp"

namespace muster::http {

class Output {
public:
  void text(std::string_view more) { text_ += more; }
  void number(uint64_t value, int base = 10);
  /// Sends `bytes` after all that was added before, without copying it.
  void shared(Bytes bytes);
  /// A body: copied when that is cheaper than holding it.
  void body(std::string own);

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] size_t size() const { return size_ + text_.size() - sent_; }
  [[nodiscard]] size_t parts() const { return parts_.size(); }

  /// Fills `into` with what is still to be sent, as far as it reaches.
  [[nodiscard]] std::span<const iovec> gather(std::span<iovec> into) const;
  /// The first `bytes` of that were sent.
  void sent(size_t bytes);
  /// Forgets all; keeps its memory unless that is large.
  void clear();

private:
  struct Part {
    size_t text_end;  ///< The text up to here goes before the bytes.
    Bytes bytes;
  };

  std::string text_;
  std::vector<Part> parts_;
  size_t size_ = 0;  ///< Of the shared bytes.
  size_t sent_ = 0;
  // Where the next byte is: in the text, or parts_[part_] at part_sent_.
  size_t part_ = 0, text_sent_ = 0, part_sent_ = 0;
};

/// How a response's head is written.
struct HeadStyle {
  std::string_view date;
  std::string_view request_id;
  bool http10 = false;
  bool keep_alive = true;
  bool chunked = false;
  bool has_length = true;
  uint64_t length = 0;
};

void write_head(Output& out, const Response& response, const HeadStyle& style);

/// RFC 9110: no body, whatever the method.
[[nodiscard]] bool bodiless(int status);

/// IMF-fixdate of now.
[[nodiscard]] std::string http_date();

}  // namespace muster::http
