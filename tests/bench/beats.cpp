// Thousands of nodes, each on its own open connection, beating every few seconds: what that costs the server.
#include <algorithm>

#include <unistd.h>

#include "bodies.hpp"
#include "measure.hpp"
#include "wire.hpp"

using namespace bench;

namespace {

struct Node {
  int fd = -1;
  std::string beat;
  ReplyReader reader;
  bool waiting = false;
  double sent = 0;
};

struct Tally {
  int worst_status = 0;
  double answered = 0, errors = 0, late = 0, closed = 0;
  Latencies latencies;
};

void take(Node& node, Tally& tally, Poll& poll) {
  const auto got = node.reader.read_from(node.fd);
  if (got == ReplyReader::Got::closed) {
    poll.remove(node.fd);
    node.fd = -1;
    tally.closed++;
  } else if (got == ReplyReader::Got::reply) {
    tally.answered++;
    if (node.reader.status() >= 300) tally.errors++;
    tally.worst_status = std::max(tally.worst_status, node.reader.status());
    tally.latencies.add(now() - node.sent);
    node.waiting = false;
  }
}

void beat(Node& node, Tally& tally) {
  if (node.fd < 0) return;
  if (node.waiting) tally.late++;
  node.sent = now();
  node.waiting = send_all(node.fd, node.beat);
}

/// Sends beats evenly: node i at i/n of every period.
void beat_for(double seconds, double period, std::vector<Node>& nodes, Tally& tally, Poll& poll) {
  const double began = now(), gap = period / static_cast<double>(nodes.size());
  double sent = 0;
  while (now() < began + seconds) {
    for (; began + sent * gap <= now(); sent++) beat(nodes[static_cast<size_t>(sent) % nodes.size()], tally);
    poll.wait(5, [&](size_t i) { take(nodes[i], tally, poll); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments given(argc, argv);
  allow_many_files();
  const int port = given.whole("port", 0), pid = given.whole("pid", 0);
  const double period = given.number("period", 10);
  std::vector<Node> nodes(static_cast<size_t>(given.whole("nodes", 10'000)));
  Poll poll;
  Tally tally;
  const Usage idle = usage_of(pid);
  for (size_t i = 0; i < nodes.size(); i++) {
    nodes[i].fd = connect_to(port);
    nodes[i].beat = request("POST", "/v1/nodes/heartbeat", given.text("token"), heartbeat(i));
    poll.add(nodes[i].fd, i);
  }
  beat_for(given.number("warm", period), period, nodes, tally, poll);  // The first beat of each is a change.
  tally = {};
  const Usage before = usage_of(pid);
  const double began = now();
  beat_for(given.number("seconds", 30), period, nodes, tally, poll);
  const double took = now() - began;
  const Usage after = usage_of(pid);
  Figures figures;
  figures.add("server_cpu", (after.cpu - before.cpu) / took).add("rate", tally.answered / took);
  figures.add("p50_us", tally.latencies.at(0.5)).add("p99_us", tally.latencies.at(0.99));
  figures.add("worst_status", tally.worst_status)
    .add("errors", tally.errors)
    .add("late", tally.late)
    .add("closed", tally.closed);
  figures.add("rss_kib", static_cast<double>(after.rss_kib));
  figures.add("kib_each",
              static_cast<double>(after.rss_kib - idle.rss_kib) / static_cast<double>(nodes.size()));
  figures.print();
}
