// The states of a chunked body. Strict: a bare LF or a size of more than 16 digits is malformed.
#include "http/server_chunked.hpp"

#include <algorithm>

namespace muster::http {
namespace {

constexpr size_t kMaxOverhead = 4 << 10;
constexpr size_t kMaxDigits = 16;

}  // namespace

ChunkedBody::State ChunkedBody::feed(std::string_view& data, std::string& body) {
  while (!data.empty()) {
    if (at_ == At::data) {
      const auto part = data.substr(0, left_);
      body += part;
      data.remove_prefix(part.size());
      left_ -= part.size();
      if (left_ == 0) at_ = At::data_cr;
      continue;
    }
    const char c = data.front();
    data.remove_prefix(1);
    if (const auto state = step(c); state != State::more) return state;
  }
  return State::more;
}

ChunkedBody::State ChunkedBody::digit(char c) {
  size_t value = 0;
  if (c >= '0' && c <= '9')
    value = static_cast<size_t>(c - '0');
  else if (c >= 'a' && c <= 'f')
    value = static_cast<size_t>(c - 'a') + 10;
  else if (c >= 'A' && c <= 'F')
    value = static_cast<size_t>(c - 'A') + 10;
  else if (digits_ == 0 || (c != '\r' && c != ';' && c != ' ' && c != '\t'))
    return State::malformed;
  else {
    at_ = c == '\r' ? At::size_lf : At::extension;
    return State::more;
  }
  if (++digits_ > kMaxDigits) return State::malformed;
  left_ = left_ * 16 + value;
  return left_ > limit_ - total_ ? State::too_large : State::more;
}

ChunkedBody::State ChunkedBody::step(char c) {
  const auto expect = [&](char wanted, At next) {
    at_ = next;
    return c == wanted ? State::more : State::malformed;
  };
  switch (at_) {
    case At::size:
      return digit(c);
    case At::extension:
      if (c == '\r') at_ = At::size_lf;
      return c == '\n' || ++overhead_ > kMaxOverhead ? State::malformed : State::more;
    case At::size_lf:
      total_ += left_;
      return expect('\n', left_ == 0 ? At::trailer : At::data);
    case At::data_cr:
      return expect('\r', At::data_lf);
    case At::data_lf:
      digits_ = 0;
      return expect('\n', At::size);
    case At::trailer:
      at_ = c == '\r' ? At::end_lf : At::trailer_line;
      return c == '\n' || ++overhead_ > kMaxOverhead ? State::malformed : State::more;
    case At::trailer_line:
      if (c == '\r') at_ = At::trailer_lf;
      return c == '\n' || ++overhead_ > kMaxOverhead ? State::malformed : State::more;
    case At::trailer_lf:
      return expect('\n', At::trailer);
    case At::end_lf:
      return c == '\n' ? State::done : State::malformed;
    case At::data:
      break;
  }
  return State::malformed;
}

}  // namespace muster::http
