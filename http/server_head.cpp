// Beast's parser, given one whole head at a time: it keeps no state between calls and copies nothing.
#include "http/server_head.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include <boost/beast/http/basic_parser.hpp>

#include "http/percent.hpp"

namespace muster::http {
namespace {

namespace beast = boost::beast::http;
using beast_error = boost::beast::error_code;
using beast_view = boost::beast::string_view;

std::string_view view(beast_view text) {
  return {text.data(), text.size()};
}

Method method_of(beast::verb verb) {
  switch (verb) {
    case beast::verb::get:
      return Method::get;
    case beast::verb::head:
      return Method::head;
    case beast::verb::post:
      return Method::post;
    case beast::verb::put:
      return Method::put;
    case beast::verb::patch:
      return Method::patch;
    case beast::verb::delete_:
      return Method::del;
    case beast::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

/// Collects what the parser reports; the body is not its business.
class Parser : public beast::basic_parser<true> {
public:
  Parser(std::string_view text, Head& head) : text_(text), head_(head) {
    header_limit(std::numeric_limits<uint32_t>::max());
    body_limit(boost::none);
  }

  std::string_view target;
  int hosts = 0;
  bool other_encoding = false;

private:
  void on_request_impl(beast::verb verb, beast_view name, beast_view where, int version,
                       beast_error&) override {
    head_.method = method_of(verb);
    head_.method_name = view(name);
    head_.http10 = version == 10;
    target = view(where);
  }

  void on_field_impl(beast::field field, beast_view name, beast_view value, beast_error& ec) override {
    // A folded value was joined in a buffer of the parser that does not outlive this call. RFC 9112 5.2 lets
    // a server refuse it.
    const std::less_equal<const char*> before;
    if (!before(text_.data(), value.data()) || !before(value.data(), text_.data() + text_.size())) {
      ec = beast::error::bad_obs_fold;
      return;
    }
    if (field == beast::field::host) hosts++;
    if (field == beast::field::transfer_encoding && !equals_ignoring_case(view(value), "chunked"))
      other_encoding = true;
    if (field == beast::field::expect && equals_ignoring_case(view(value), "100-continue"))
      head_.expects_continue = true;
    head_.headers.emplace_back(view(name), view(value));
  }

  void on_response_impl(int, beast_view, int, beast_error&) override {}
  void on_header_impl(beast_error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast_error&) override {}
  std::size_t on_body_impl(beast_view, beast_error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast_view, beast_error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast_view, beast_error&) override { return 0; }
  void on_finish_impl(beast_error&) override {}

  std::string_view text_;
  Head& head_;
};

Error bad(std::string detail) {
  return Error{"bad.request", std::move(detail)};
}

/// Origin form, absolute form (RFC 9112 3.2.2) or "*"; the fragment is no part of a request.
std::optional<Error> read_target(std::string_view target, Head& head) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !equals_ignoring_case(target.substr(0, scheme.size()), scheme))
      continue;
    const auto path = target.find_first_of("/?", scheme.size());
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  const auto question = target.find('?');
  head.path = target.substr(0, question);
  head.query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  if (head.path.empty()) head.path = "/";
  if (head.path != "*" && !head.path.starts_with('/')) return bad("the request's target is not a path");
  if (!head.query.empty() && !percent_decode(head.query, true, head.decoded))
    return bad("the query has a broken escape, a NUL or bytes that are not UTF-8");
  if (!percent_decode(head.path, false, head.decoded))
    return bad("the path has a broken escape, a NUL or bytes that are not UTF-8");
  head.path = head.decoded;
  return std::nullopt;
}

}  // namespace

size_t head_end(std::string_view text, size_t from) {
  const auto found = text.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  return found == std::string_view::npos ? found : found + 4;
}

bool hopeless_head(std::string_view text) {
  if (text.empty()) return false;
  const auto c = static_cast<unsigned char>(text.front());
  if (c <= ' ' || c >= 0x7f) return true;
  const auto line = text.find('\n');
  return text.find('\0') != std::string_view::npos ||
         (line != std::string_view::npos && text[line - 1] != '\r');
}

std::optional<Error> parse_head(std::string_view text, Head& into) {
  into.headers.clear();
  into.expects_continue = false;
  Parser parser(text, into);
  beast_error ec;
  const auto used = parser.put(boost::asio::const_buffer(text.data(), text.size()), ec);
  if (ec && ec != beast::error::need_more) return bad("the request cannot be read: " + ec.message());
  if (used != text.size() || !parser.is_header_done()) return bad("the request's head cannot be read");
  into.chunked = parser.chunked();
  into.keep_alive = parser.keep_alive();
  into.content_length = parser.content_length().value_or(0);
  if (parser.other_encoding || (parser.chunked() && into.http10))
    return bad("the only Transfer-Encoding is chunked, in HTTP/1.1");
  if (parser.hosts > 1 || (parser.hosts == 0 && !into.http10))
    return bad("a request has exactly one Host header");
  return read_target(parser.target, into);
}

}  // namespace muster::http
