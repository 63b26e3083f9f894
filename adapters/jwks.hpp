// The keys behind JWKS_URL, read again every minute and kept when that fails.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/http_client.hpp"
#include "adapters/jwt.hpp"

namespace muster {

struct JwksOptions {
  std::string url;
  std::string ca_file{};
  Millis refresh{60'000};                      ///< Between two readings.
  Millis early{5'000};                         ///< An unknown key causes at most one reading in this time.
  std::function<void(const Error&)> failed{};  ///< A later reading failed. On the reader's thread.
};

class Jwks : public KeySource {
public:
  explicit Jwks(JwksOptions options) : options_(std::move(options)) {}
  ~Jwks() override;

  /// Reads the keys once, then goes on by itself. Error: why the first reading failed (`jwks.unreachable`,
  /// `jwks.invalid`, ...); the supervisor does not start then.
  Status start();

  [[nodiscard]] std::shared_ptr<const KeySet> keys() override;
  void key_missing() override;

  /// Why the last reading failed; empty when it did not.
  [[nodiscard]] std::string last_failure();

private:
  Status read();
  void run();

  const JwksOptions options_;
  HttpClient http_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<const KeySet> keys_;
  std::string document_;  // An unchanged one keeps its KeySet, and with it the verified tokens.
  std::string last_failure_;
  std::chrono::steady_clock::time_point early_again_{};
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster
