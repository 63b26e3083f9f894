// Whether the node could listen where it is told to.
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/cli/client.hpp"
#include "app/cli/doctor.hpp"
#include "app/config/bind.hpp"

namespace muster::cli {
namespace {

using Verdict = Check::Verdict;

/// 0, or the errno of bind().
int try_bind(const http::Listen& listen) {
  sockaddr_in6 six{};
  sockaddr_in four{};
  const bool is_six = listen.host.find(':') != std::string::npos;
  const int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  int result = 0;
  if (is_six) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(listen.port);
    inet_pton(AF_INET6, listen.host.c_str(), &six.sin6_addr);
    result = bind(fd, reinterpret_cast<const sockaddr*>(&six), sizeof six);
  } else {
    four.sin_family = AF_INET;
    four.sin_port = htons(listen.port);
    inet_pton(AF_INET, listen.host.c_str(), &four.sin_addr);
    result = bind(fd, reinterpret_cast<const sockaddr*>(&four), sizeof four);
  }
  const int reason = result == 0 ? 0 : errno;
  close(fd);
  return reason;
}

/// True when the API of a muster answers there.
bool muster_answers(const config::Config& config, const http::Listen& listen) {
  std::string host = listen.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const std::string scheme = listen.tls_cert.empty() ? "http://" : "https://";
  const auto asking = config::combine("", {}, [](std::string_view) { return std::nullopt; },
                                      {{"server", scheme + host + ":" + std::to_string(listen.port), ""},
                                       {"ca-cert", config.text("ca-cert"), ""},
                                       {"timeout", "2s", ""}});
  if (!asking) return false;
  auto client = Client::make(*asking);
  if (!client) return false;
  const auto api = client->get("/openapi.json");
  if (!api || !api->is_object() || !api->contains("info")) return false;
  const auto& info = (*api)["info"];
  return info.is_object() && info.value("title", "").find("muster") != std::string::npos;
}

}  // namespace

Check check_port(const config::Config& config) {
  const auto bind = config::resolve_bind(config, false);
  if (!bind) return {"port", Verdict::bad, bind.error().detail, "Correct --bind"};
  const auto& listen = bind->listen;
  const std::string address = listen.host + ":" + std::to_string(listen.port);
  const int reason = try_bind(listen);
  if (reason == 0) return {"port", Verdict::good, address + " is free"};
  if (reason == EADDRINUSE && muster_answers(config, listen))
    return {"port", Verdict::good, address + " is held by a running muster"};
  if (reason == EADDRINUSE)
    return {"port", Verdict::bad, address + " is held by another program",
            "Stop it (ss -ltnp tells which), or choose another --bind"};
  return {"port", Verdict::bad, address + ": " + std::strerror(reason),
          "Choose another --bind; ports below 1024 need CAP_NET_BIND_SERVICE"};
}

}  // namespace muster::cli
