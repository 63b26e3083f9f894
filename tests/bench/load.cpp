// Requests over keep-alive connections, one in flight on each: rate, latency, and what they cost the server.
#include <memory>

#include <unistd.h>

#include "bodies.hpp"
#include "measure.hpp"
#include "wire.hpp"

namespace bench {
namespace {

struct Client {
  int fd = -1;
  Patched request;
  ReplyReader reader;
  double sent = 0;
  uint64_t version = 0;
};

/// One client's requests. Nodes are dealt out in turn: whoever asks next takes the next one below `nodes`.
class Load {
public:
  explicit Load(const Arguments& given)
    : mode_(given.text("mode", "register")),
      path_(given.text("path", "/v1/nodes")),
      token_(given.text("token")),
      nodes_(static_cast<uint64_t>(given.whole("nodes", 64))),
      batch_(static_cast<uint64_t>(given.whole("batch", 64))),
      version_(static_cast<uint64_t>(given.whole("version", 0))),
      ports_(ports_of(given, 0)),
      pid_(given.whole("pid", 0)),
      warm_(given.number("warm", 1)),
      seconds_(given.number("seconds", 5)),
      most_(given.number("requests", 0)),
      clients_(static_cast<size_t>(given.whole("connections", 64))) {}

  void run();

private:
  [[nodiscard]] Patched request_of(uint64_t turn) const;
  void next_request(size_t client);
  void ready(size_t client);
  void print();

  const std::string mode_, path_, token_;
  const uint64_t nodes_, batch_, version_;
  const std::vector<int> ports_;  // Clients are dealt out to them in turn.
  const int pid_;
  const double warm_, seconds_, most_;
  std::vector<Client> clients_;
  Poll poll_;
  Latencies latencies_;
  uint64_t dealt_ = 0;
  double sent_ = 0, answered_ = 0, errors_ = 0, items_ = 1, began_ = 0, took_ = 0;
  int worst_status_ = 0;
  Usage before_;
};

Patched Load::request_of(uint64_t turn) const {
  if (mode_ == "get") return Patched(request("GET", path_, token_, ""));
  if (mode_ == "heartbeat")
    return Patched(request("POST", "/v1/nodes/heartbeat", token_, heartbeat(turn % nodes_)));
  if (mode_ == "batch") {
    return Patched(
      request("POST", "/v1/batch", token_, batch_of_registrations(turn * batch_ % nodes_, batch_)));
  }
  if (mode_ == "register") {
    return Patched(request("POST", "/v1/nodes/register", token_, registration(turn % nodes_)));
  }
  give_up("--mode is get, register, batch or heartbeat, not " + mode_);
}

void Load::next_request(size_t n) {
  Client& client = clients_[n];
  const uint64_t stride = clients_.size() * (mode_ == "batch" ? batch_ : 1);
  // Building a request costs more than patching one: only clients with several nodes build anew.
  if (nodes_ > stride && mode_ != "get") client.request = request_of(dealt_++);
  client.request.set(version_ + client.version++);
  client.sent = now();
  sent_++;
  if (!send_all(client.fd, client.request.text())) give_up("the server closed a connection");
}

void Load::ready(size_t n) {
  Client& client = clients_[n];
  switch (client.reader.read_from(client.fd)) {
    case ReplyReader::Got::nothing:
      return;
    case ReplyReader::Got::closed:
      give_up("the server closed a connection");
    case ReplyReader::Got::reply:
      break;
  }
  answered_++;
  if (client.reader.status() >= 300) {
    if (errors_++ == 0)
      std::fprintf(stderr, "%d: %.*s\n", client.reader.status(),
                   static_cast<int>(client.reader.body().size()), client.reader.body().data());
    worst_status_ = std::max(worst_status_, client.reader.status());
  }
  latencies_.add(now() - client.sent);
  if (most_ == 0 || sent_ < most_) next_request(n);
}

void Load::run() {
  items_ = mode_ == "batch" ? static_cast<double>(batch_) : 1;
  for (size_t i = 0; i < clients_.size(); i++) {
    clients_[i].fd = connect_to(ports_[i % ports_.size()]);
    clients_[i].request = request_of(i);
    poll_.add(clients_[i].fd, i);
  }
  for (size_t i = 0; i < clients_.size(); i++) next_request(i);
  if (most_ == 0) {
    for (const double end = now() + warm_; now() < end;) poll_.wait(100, [this](size_t n) { ready(n); });
    latencies_.clear();
    answered_ = errors_ = 0;
  }
  before_ = usage_of(pid_);
  began_ = now();
  const double end = began_ + (most_ == 0 ? seconds_ : 3600);
  while (now() < end && (most_ == 0 || answered_ < most_)) poll_.wait(100, [this](size_t n) { ready(n); });
  took_ = now() - began_;
  print();
}

void Load::print() {
  const Usage after = usage_of(pid_);
  const double rate = answered_ * items_ / took_, cpu = (after.cpu - before_.cpu) / took_;
  Figures figures;
  figures.add("rate", rate).add("p50_us", latencies_.at(0.5)).add("p99_us", latencies_.at(0.99));
  figures.add("answered", answered_).add("errors", errors_).add("worst_status", worst_status_);
  figures.add("server_cpu", cpu).add("per_core_second", cpu > 0 ? rate / cpu : 0);
  figures.add("rss_kib", static_cast<double>(after.rss_kib)).add("seconds", took_);
  figures.print();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::allow_many_files();
  bench::Load(bench::Arguments(argc, argv)).run();
}
