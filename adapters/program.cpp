// Pipes, poll and a deadline around a child process.
#include "adapters/program.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/child_process.hpp"
#include "base/json.hpp"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxErrors = 16 << 10;  // Bytes that are kept of what it complains.
constexpr size_t kMaxReason = 500;       // Bytes of them in a message.

class Pipe {
public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) == 0) ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (int& end : ends_) close_end(end);
  }
  [[nodiscard]] bool open() const { return ends_[0] >= 0; }
  [[nodiscard]] int fd() const { return ends_[0]; }
  /// What a child that is about to be started opens.
  [[nodiscard]] std::string inlet() const { return "/proc/self/fd/" + std::to_string(ends_[1]); }
  void close_inlet() { close_end(ends_[1]); }

  /// All that is there now; false once nobody can write any more.
  template <class Take>
  bool read(Take&& take) {
    std::array<char, 16 << 10> bytes{};
    for (;;) {
      const auto got = ::read(ends_[0], bytes.data(), bytes.size());
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      if (got == 0) return false;
      if (!take(std::string_view{bytes.data(), static_cast<size_t>(got)})) return true;
    }
  }

private:
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

class Running {
public:
  Running(const ProgramOrder& order, ChildProcess child, Pipe& out, Pipe& err)
    : order_(order), child_(std::move(child)), out_(out), err_(err), until_(Clock::now() + order.limit) {}

  ProgramEnd wait() {
    using Cut = ProgramEnd::Cut;
    while (child_.look().state != Look::State::ended) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now()).count();
      if (left <= 0) return cut(Cut::time);
      // A pipe that nobody writes to any more would be readable all the time.
      std::array<pollfd, 4> waiting{{{out_open_ ? out_.fd() : -1, POLLIN, 0},
                                     {err_open_ ? err_.fd() : -1, POLLIN, 0},
                                     {child_.fd(), POLLIN, 0},
                                     {order_.cancellation ? order_.cancellation->fd() : -1, POLLIN, 0}}};
      if (::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<int64_t>(left, 60'000))) < 0)
        continue;
      if (waiting[3].revents != 0) return cut(Cut::canceled);
      read();
      if (too_much_) return cut(Cut::output);
    }
    read();  // What it said last.
    if (too_much_) end_.cut = Cut::output;
    const auto look = child_.look();
    end_.code = look.known && look.signal == 0 ? static_cast<int>(look.code) : -1;
    return std::move(end_);
  }

private:
  void read() {
    out_open_ = out_.read([this](std::string_view bytes) {
      too_much_ = end_.out.size() + bytes.size() > order_.max_output;
      if (!too_much_) end_.out.append(bytes);
      return !too_much_;
    });
    err_open_ = err_.read([this](std::string_view bytes) {
      end_.err.append(bytes);
      if (end_.err.size() > kMaxErrors) end_.err.erase(0, end_.err.size() - kMaxErrors);
      return true;
    });
  }

  ProgramEnd cut(ProgramEnd::Cut why) {
    child_.kill();
    while (child_.look().state != Look::State::ended) {  // Killed, it ends at once.
      pollfd ending{child_.fd(), POLLIN, 0};
      ::poll(&ending, 1, -1);
    }
    end_.cut = why;
    return std::move(end_);
  }

  const ProgramOrder& order_;
  ChildProcess child_;
  Pipe &out_, &err_;
  const Clock::time_point until_;
  ProgramEnd end_;
  bool out_open_ = true, err_open_ = true, too_much_ = false;
};

}  // namespace

Cancellation::Cancellation() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Cancellation::~Cancellation() {
  ::close(fd_);
}

void Cancellation::cancel() {
  ::eventfd_write(fd_, 1);
}

Result<ProgramEnd> run_program(const ProgramOrder& order) {
  Pipe out, err;
  if (!out.open() || !err.open())
    return Error{"service.unstartable", std::string("no pipe: ") + std::strerror(errno), {}};
  Spawn spawn;
  spawn.argv = order.argv;
  spawn.env = order.env;
  spawn.output = out.inlet();
  spawn.errors = err.inlet();
  auto child = ChildProcess::start(spawn);
  if (!child) return child.error();
  out.close_inlet();
  err.close_inlet();
  return Running{order, std::move(*child), out, err}.wait();
}

std::string why_failed(const ProgramOrder& order, const ProgramEnd& end) {
  const auto program = order.argv.front();
  switch (end.cut) {
    case ProgramEnd::Cut::time:
      return program + " took longer than " + std::to_string(order.limit.count() / 1000) + " s";
    case ProgramEnd::Cut::output:
      return program + " printed more than " + std::to_string(order.max_output) + " bytes";
    case ProgramEnd::Cut::canceled:
      return program + " was stopped: the node stops";
    case ProgramEnd::Cut::none:
      break;
  }
  std::string_view said = end.err;
  while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.remove_suffix(1);
  if (said.size() > kMaxReason) said.remove_prefix(said.size() - kMaxReason);
  std::string line;
  for (const char c : said) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  while (!line.empty() && !is_utf8(line)) line.erase(0, 1);
  return line.empty() ? program + " ended with " + std::to_string(end.code) : program + ": " + line;
}

}  // namespace muster
