// Puts to etcd over its own protocol, gRPC: one HTTP/2 connection a client, one put in flight on each. The
// request is encoded by hand and the event loop is bare, so that etcd has as much of the machine as it can
// get.
#include <array>
#include <memory>

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.hpp"
#include "wire.hpp"

using namespace bench;

namespace {

struct Client {
  int fd = -1;
  nghttp2_session* session = nullptr;
  std::string body;
  size_t body_sent = 0;
  double sent = 0;
  bool ok = false, finished = false;
};

/// A gRPC message around PutRequest{key = 1, value = 2}; both fields are shorter than 2^14 bytes.
std::string put_request(const std::string& key, const std::string& value) {
  const auto field = [](char tag, const std::string& bytes) {
    std::string text(1, tag);
    if (bytes.size() < 128) return text + static_cast<char>(bytes.size()) + bytes;
    text += static_cast<char>(0x80 | (bytes.size() & 0x7f));
    return text + static_cast<char>(bytes.size() >> 7) + bytes;
  };
  const std::string message = field(0x0a, key) + field(0x12, value);
  std::string frame(5, '\0');
  frame[3] = static_cast<char>(message.size() >> 8);
  frame[4] = static_cast<char>(message.size());
  return frame + message;
}

ssize_t give_body(nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  auto& client = *static_cast<Client*>(source->ptr);
  const size_t n = client.body.copy(reinterpret_cast<char*>(to), room, client.body_sent);
  client.body_sent += n;
  if (client.body_sent == client.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(n);
}

int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size,
              const uint8_t* value, size_t value_size, uint8_t, void* user) {
  const std::string_view key(reinterpret_cast<const char*>(name), name_size);
  if (key == "grpc-status") static_cast<Client*>(user)->ok = value_size == 1 && value[0] == '0';
  return 0;
}

int on_closed(nghttp2_session*, int32_t, uint32_t, void* user) {
  static_cast<Client*>(user)->finished = true;
  return 0;
}

void flush(Client& client) {
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t n = nghttp2_session_mem_send(client.session, &bytes);
    if (n <= 0) return;
    if (!send_all(client.fd, {reinterpret_cast<const char*>(bytes), static_cast<size_t>(n)}))
      give_up("etcd closed a connection");
  }
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  // nghttp2 does not write through these pointers; its type lacks the const.
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

void put(Client& client) {
  static const std::array headers{header(":method", "POST"),
                                  header(":scheme", "http"),
                                  header(":path", "/etcdserverpb.KV/Put"),
                                  header(":authority", "localhost"),
                                  header("content-type", "application/grpc"),
                                  header("te", "trailers")};
  client.body_sent = 0;
  client.ok = client.finished = false;
  nghttp2_data_provider body{};
  body.source.ptr = &client;
  body.read_callback = give_body;
  nghttp2_submit_request(client.session, nullptr, headers.data(), headers.size(), &body, nullptr);
  client.sent = now();
  flush(client);
}

void open(Client& client, int port, size_t number) {
  client.fd = connect_to(port);
  std::string value(300, 'v');
  client.body = put_request("node/" + std::to_string(number), value);
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_closed);
  nghttp2_session_client_new(&client.session, callbacks, &client);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(client.session, NGHTTP2_FLAG_NONE, nullptr, 0);
  nghttp2_session_set_local_window_size(client.session, NGHTTP2_FLAG_NONE, 0, 1 << 30);
}

/// Feeds what arrived to the session. True: the put in flight is answered.
bool take(Client& client) {
  std::array<uint8_t, 16'384> bytes;
  const ssize_t n = recv(client.fd, bytes.data(), bytes.size(), 0);
  if (n == 0) give_up("etcd closed a connection");
  if (n > 0 && nghttp2_session_mem_recv(client.session, bytes.data(), static_cast<size_t>(n)) < 0)
    give_up("etcd's reply is not HTTP/2");
  if (!client.finished) flush(client);  // Acknowledgements of settings and pings.
  return client.finished;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments given(argc, argv);
  std::vector<Client> clients(static_cast<size_t>(given.whole("connections", 64)));
  const auto ports = ports_of(given, 2379);
  Poll poll;
  for (size_t i = 0; i < clients.size(); i++) {
    open(clients[i], ports[i % ports.size()], i);
    poll.add(clients[i].fd, i);
    put(clients[i]);
  }
  Latencies latencies;
  double errors = 0;
  const auto run_for = [&](double seconds) {
    for (const double end = now() + seconds; now() < end;)
      poll.wait(100, [&](size_t i) {
        if (!take(clients[i])) return;
        if (!clients[i].ok) errors++;
        latencies.add(now() - clients[i].sent);
        put(clients[i]);
      });
  };
  run_for(given.number("warm", 1));
  latencies.clear();
  errors = 0;
  const Usage before = usage_of(given.whole("pid", 0));
  const double began = now();
  run_for(given.number("seconds", 5));
  const double took = now() - began;
  const Usage after = usage_of(given.whole("pid", 0));
  Figures figures;
  figures.add("rate", static_cast<double>(latencies.size()) / took).add("errors", errors);
  figures.add("p50_us", latencies.at(0.5)).add("p99_us", latencies.at(0.99));
  figures.add("server_cpu", (after.cpu - before.cpu) / took);
  figures.add("rss_kib", static_cast<double>(after.rss_kib)).print();
}
