// A fake S3 server of one bucket, for what no real one does.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/s3_storage.hpp"
#include "tests/adapters/tiny_server.hpp"

namespace muster::test {

inline const environment::Ask kAsk{"idem-1", false};

inline S3Settings settings_for(const TinyServer& server) {
  S3Settings settings{server.url(""), {"AKEXAMPLE", "SKEXAMPLE"}};
  settings.total_timeout = Millis{2'000};
  return settings;
}

inline std::string error_xml(const std::string& code) {
  return "<?xml version=\"1.0\"?><Error><Code>" + code +
         "</Code><Message>AKEXAMPLE SKEXAMPLE</Message></Error>";
}

/// A fake S3 server of one bucket: keeps what is put, and answers as `interfere` wants first.
class FakeS3 {
public:
  using Interfere = std::function<std::string(FakeS3&, const std::string& request)>;

  explicit FakeS3(Interfere interfere = {}) : interfere_(std::move(interfere)) {}

  TinyServer::Handler handler() {
    return [this](const std::string& request) {
      const std::lock_guard lock(mutex_);
      seen.push_back(request);
      if (interfere_)
        if (auto answer = interfere_(*this, request); !answer.empty()) return answer;
      return answer(request);
    };
  }
  std::string answer(const std::string& request) {
    const auto part = part_of(request);
    if (request.starts_with("HEAD ")) return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    if (request.starts_with("PUT ")) {
      kept[part] = request.substr(request.find("\r\n\r\n") + 4);
      return http_answer(200, "");
    }
    if (request.starts_with("DELETE ")) {
      kept.erase(part);
      return "HTTP/1.1 204 X\r\n\r\n";
    }
    if (kept.count(part) > 0) return http_answer(200, kept[part]);
    if (part == "versioning") return http_answer(200, "<VersioningConfiguration/>");
    return http_answer(404, error_xml(part == "tagging" ? "NoSuchTagSet" : "NoSuchLifecycleConfiguration"));
  }
  static std::string part_of(const std::string& request) {
    const auto at = request.find('?');
    return at < request.find("\r\n") ? request.substr(at + 1, request.find('=', at) - at - 1) : "";
  }
  [[nodiscard]] auto puts() const {
    return std::count_if(seen.begin(), seen.end(),
                         [](const auto& request) { return request.starts_with("PUT "); });
  }

  std::map<std::string, std::string> kept;
  std::vector<std::string> seen;

private:
  Interfere interfere_;
  std::mutex mutex_;
};

}  // namespace muster::test
