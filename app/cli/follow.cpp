// Tails and watches.
#include "app/cli/follow.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <sstream>
#include <thread>

#include "base/error_catalog.hpp"

namespace muster::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Redraws in place on a terminal, below each other elsewhere.
void draw_screen(const Io& io, const std::string& text) {
  if (!io.terminal.tty) {
    io.out << text << std::flush;
    return;
  }
  io.out << "\x1b[H";
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    io.out << text.substr(at, end - at) << "\x1b[K\n";
    at = end + 1;
  }
  io.out << "\x1b[J" << std::flush;
}

}  // namespace

uint64_t seq_of(std::string_view line) {
  constexpr std::string_view kStart = R"({"seq":)";
  uint64_t seq = 0;
  if (line.starts_with(kStart)) std::from_chars(line.data() + kStart.size(), line.data() + line.size(), seq);
  return seq;
}

bool Lines::take(std::string_view bytes, const OnLine& on_line) {
  constexpr size_t kLongest = 16 << 20;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) {
      rest_ += bytes;
      return rest_.size() <= kLongest;
    }
    std::string_view line = bytes.substr(0, end);
    std::string joined;
    if (!rest_.empty()) {
      joined = std::move(rest_) + std::string{line};
      rest_.clear();
      line = joined;
    }
    bytes.remove_prefix(end + 1);
    if (!line.empty() && line != "\r" && !on_line(line)) return false;
  }
  return true;
}

bool ServerEvents::take(std::string_view line, const OnEvent& on_event) {
  constexpr std::string_view kId = "id: ", kEvent = "event: ", kData = "data: ";
  if (line.starts_with(kId)) std::from_chars(line.data() + kId.size(), line.data() + line.size(), id_);
  if (line.starts_with(kEvent)) type_ = line.substr(kEvent.size());
  if (!line.starts_with(kData)) return true;
  const auto data = parse_json(line.substr(kData.size()));
  return !data || on_event(id_, type_, *data);
}

Result<uint64_t> head_of(Client& client) {
  const auto status = client.get("/v1/status");
  if (!status) return status.error();
  if (const auto seq = status->find("seq"); seq != status->end() && seq->is_number_unsigned())
    return seq->get<uint64_t>();
  return Error{"internal", client.server() + "/v1/status does not say its seq"};
}

Status follow(const Call& call, uint64_t from, const Query& filter, const Lines::OnLine& on_line,
              const Client::Tick& tick) {
  constexpr Millis kFirstPause{250}, kLongestPause{10'000};
  auto client = Client::make(call.config);
  if (!client) return client.error();
  Millis pause = kFirstPause;
  bool stopped = false, stood = false;
  while (true) {
    Lines lines;
    Query query = filter;
    query.emplace_back("from", std::to_string(from));
    query.emplace_back("follow", "true");
    const auto sink = [&](std::string_view bytes) {
      stood = true;
      pause = kFirstPause;
      const bool more = lines.take(bytes, [&](std::string_view line) {
        const uint64_t seq = seq_of(line);
        if (seq != 0) from = seq + 1;
        return on_line(line);
      });
      stopped = !more;
      return more;
    };
    const auto ended = client->stream(with_query("/v1/events", query), sink, [&] {
      if (!tick || tick()) return true;
      stopped = true;
      return false;
    });
    if (stopped) return Done{};
    if (!ended && (!stood || !error_kind(ended.error().code).retryable)) return ended.error();
    stood = true;
    call.io.err << "muster: the stream ended" << (ended ? "" : " (" + ended.error().detail + ")")
                << "; resuming at " << from << '\n';
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

Outcome show(Call& call, const Fetch& fetch, const Draw& draw, bool watch) {
  auto client = Client::make(call.config);
  if (!client) return client.error();
  const bool watching = watch || call.has("watch");
  const auto redraw = [&]() -> Status {
    const auto document = fetch(*client);
    if (!document) return document.error();
    if (call.json) {
      print_json(call, *document);
      call.io.out << std::flush;
      return Done{};
    }
    std::ostringstream text;
    draw(text, *document);
    if (watching)
      draw_screen(call.io, text.str());
    else
      call.io.out << text.str();
    return Done{};
  };
  if (!watching) {
    if (const auto drawn = redraw(); !drawn) return drawn.error();
    return 0;
  }

  const auto head = head_of(*client);
  if (!head) return head.error();
  if (call.io.terminal.tty && !call.json) call.io.out << "\x1b[2J";
  if (const auto drawn = redraw(); !drawn) return drawn.error();
  constexpr auto kShortest = std::chrono::milliseconds{200};
  constexpr auto kLongest = std::chrono::seconds{5};
  auto last = Clock::now();
  bool changed = false;
  Status failed = Done{};
  const auto tick = [&] {
    const auto age = Clock::now() - last;
    if (!(changed && age >= kShortest) && age < kLongest) return true;
    changed = false;
    last = Clock::now();
    failed = redraw();
    // A node that restarts is not the end of a watch; follow() goes on trying.
    return failed || error_kind(failed.error().code).retryable;
  };
  const auto ended = follow(
    call, *head + 1, {},
    [&](std::string_view) {
      changed = true;
      return tick();
    },
    tick);
  if (!ended) return ended.error();
  if (!failed) return failed.error();
  return 0;
}

}  // namespace muster::cli
