// Asking again and again at the URLs that a node was pointed at, for as long as it may still join there.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/cluster/search.hpp"

namespace muster::app {

class UrlWatch {
public:
  /// On a thread of its own, while `wanted`.
  UrlWatch(std::vector<std::string> urls, std::function<bool()> wanted);
  ~UrlWatch();  ///< A question that is under way is cut short.
  UrlWatch(const UrlWatch&) = delete;
  UrlWatch& operator=(const UrlWatch&) = delete;

  /// Who answered at the last look. Any thread.
  [[nodiscard]] std::vector<finding::Advert> seen() const;

private:
  void loop();

  const std::vector<std::string> urls_;
  const std::function<bool()> wanted_;
  HttpClient client_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<finding::Advert> seen_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::app
