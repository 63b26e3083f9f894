// Live tails: how long an event takes to its readers, whether any is lost, and what each tail costs.
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "bodies.hpp"
#include "measure.hpp"
#include "wire.hpp"

using namespace bench;

namespace {

/// One SSE stream: counts events by their `id:` lines, which have to follow each other without a gap.
struct Tail {
  int fd = -1;
  std::string rest;  ///< The bytes of a line that is not whole yet.
  uint64_t last = 0, events = 0, gaps = 0;
  bool open = false, closed = false;
};

/// Times of the events in flight: sequence of writes, as one writer sends one at a time.
struct Writer {
  int fd = -1;
  Patched request;
  ReplyReader reader;
  double sent = 0, replied = 0;
  uint64_t count = 0, errors = 0;
  bool waiting = false;
};

struct Measured {
  Latencies commit, tail, later;
};

/// Calls event(seq) for every `id: <seq>` line in what arrived. An id line is short: a cut one is kept.
template <class Event>
void each_id(Tail& tail, std::string_view bytes, Event&& event) {
  tail.rest.append(bytes);
  const std::string_view text = tail.rest;
  size_t at = 0;
  for (;;) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with("id:")) event(std::strtoull(line.data() + 3, nullptr, 10));
    at = end + 1;
  }
  tail.rest.erase(0, at);
}

/// False: the server closed the stream.
template <class Event>
bool read_tail(Tail& tail, Event&& event) {
  static std::string bytes(1 << 18, '\0');
  const ssize_t got = recv(tail.fd, bytes.data(), bytes.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got <= 0) return false;
  tail.open = true;
  each_id(tail, std::string_view(bytes).substr(0, static_cast<size_t>(got)), [&](uint64_t seq) {
    if (tail.last != 0 && seq != tail.last + 1) tail.gaps++;
    tail.last = seq;
    tail.events++;
    event();
  });
  return true;
}

class Bench {
public:
  explicit Bench(const Arguments& given)
    : pid_(given.whole("pid", 0)),
      seconds_(given.number("seconds", 10)),
      gap_(1 / given.number("rate", 100)),
      tails_(static_cast<size_t>(given.whole("tails", 1))) {
    const int port = given.whole("port", 0);
    before_ = usage_of(pid_);
    const std::string open = request("GET", given.text("path", "/v1/events?follow=true&from=latest"),
                                     given.text("token"), "", "Accept: text/event-stream\r\n");
    for (size_t i = 0; i < tails_.size(); i++) {
      tails_[i].fd = connect_to(port);
      send_all(tails_[i].fd, open);
      poll_.add(tails_[i].fd, i);
    }
    writer_.fd = connect_to(port);
    writer_.request = Patched(request("POST", "/v1/nodes/register", given.text("token"),
                                      registration(static_cast<uint64_t>(given.whole("node", 0)))));
    writer_.request.set(static_cast<uint64_t>(given.whole("version", 0)));
    version_ = static_cast<uint64_t>(given.whole("version", 0));
    poll_.add(writer_.fd, tails_.size());
  }

  void run();

private:
  void turn(int ms) {
    poll_.wait(ms, [this](size_t n) { ready(n); });
  }
  void ready(size_t n);
  void write_one();
  void wait_until_open();
  void print();

  const int pid_;
  const double seconds_, gap_;
  std::vector<Tail> tails_;
  Writer writer_;
  Poll poll_;
  Measured measured_;
  Usage before_, opened_, after_;
  double took_ = 0;
  uint64_t version_ = 0, arrived_ = 0;
};

void Bench::ready(size_t n) {
  if (n < tails_.size()) {
    const bool alive = read_tail(tails_[n], [this] {
      arrived_++;
      if (writer_.sent == 0) return;
      measured_.tail.add(now() - writer_.sent);
    });
    if (alive) return;
    tails_[n].closed = true;
    poll_.remove(tails_[n].fd);
    return;
  }
  if (writer_.reader.read_from(writer_.fd) != ReplyReader::Got::reply) return;
  writer_.waiting = false;
  measured_.commit.add(now() - writer_.sent);
  if (writer_.reader.status() >= 300) writer_.errors++;
}

void Bench::write_one() {
  writer_.request.set(++version_);
  writer_.waiting = true;
  writer_.count++;
  writer_.sent = now();
  if (!send_all(writer_.fd, writer_.request.text())) give_up("the server closed the writer's connection");
}

/// Every stream has answered with its head before the first event is written.
void Bench::wait_until_open() {
  const auto open = [this] {
    for (const auto& tail : tails_)
      if (!tail.open) return false;
    return true;
  };
  for (const double end = now() + 30; !open();) {
    if (now() > end) give_up("not every stream was opened within 30 s");
    turn(50);
  }
}

void Bench::run() {
  wait_until_open();
  opened_ = usage_of(pid_);
  const double began = now();
  arrived_ = 0;
  while (now() < began + seconds_) {
    const double due = began + static_cast<double>(writer_.count) * gap_;
    if (now() >= due && !writer_.waiting)
      write_one();
    else
      turn(std::max(0, static_cast<int>((due - now()) * 1000)));
  }
  after_ = usage_of(pid_);
  took_ = now() - began;
  for (const double end = now() + 5; arrived_ < writer_.count * tails_.size() && now() < end;) turn(50);
  print();
}

void Bench::print() {
  double lost = 0, gaps = 0, closed = 0;
  for (const auto& tail : tails_) {
    lost += static_cast<double>(writer_.count - std::min(writer_.count, tail.events));
    gaps += static_cast<double>(tail.gaps);
    closed += tail.closed ? 1 : 0;
  }
  Figures figures;
  figures.add("commit_p50_us", measured_.commit.at(0.5)).add("commit_p99_us", measured_.commit.at(0.99));
  figures.add("tail_p50_us", measured_.tail.at(0.5)).add("tail_p99_us", measured_.tail.at(0.99));
  figures.add("written", static_cast<double>(writer_.count))
    .add("errors", static_cast<double>(writer_.errors));
  figures.add("lost", lost).add("gaps", gaps).add("closed", closed);
  figures.add("rate", static_cast<double>(writer_.count) / took_);
  figures.add("server_cpu", (after_.cpu - opened_.cpu) / took_);
  figures.add("rss_kib", static_cast<double>(after_.rss_kib));
  figures.add("kib_each",
              static_cast<double>(after_.rss_kib - before_.rss_kib) / static_cast<double>(tails_.size()));
  figures.print();
}

}  // namespace

int main(int argc, char** argv) {
  allow_many_files();
  Bench(Arguments(argc, argv)).run();
}
