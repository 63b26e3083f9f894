// What one thread asks within a turn goes to each domain as one message.
#pragma once

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/interfaces.hpp"

namespace muster::actors {

/// Commands on their way, by domain. Of one thread.
class Burst {
public:
  template <class D>
  void add(const Aggregate<D>& to, AskPtr<D> ask) {
    auto& line = std::get<Line<D>>(lines_);
    line.to = to;
    line.asks.push_back(std::move(ask));
  }

  void send() {
    std::apply([](auto&... line) { (send_line(line), ...); }, lines_);
  }

  /// Where the commands of this thread are gathered; nullptr: each is sent at once.
  static Burst*& current() {
    thread_local Burst* burst = nullptr;
    return burst;
  }

  /// Gathers what this thread asks until the scope ends; inside another one, until that ends.
  class Scope {
  public:
    Scope() : outer_(current()) {
      if (!outer_) current() = &own();
    }
    ~Scope() {
      current() = outer_;
      if (!outer_) own().send();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    Burst* const outer_;
  };

  /// This thread's own.
  static Burst& own() {
    thread_local Burst burst;
    return burst;
  }

private:
  template <class D>
  struct Line {
    Aggregate<D> to;
    std::vector<AskPtr<D>> asks;
  };
  template <class D>
  static void send_line(Line<D>& line) {
    if (line.asks.empty()) return;
    caf::anon_send(std::exchange(line.to, nullptr),
                   std::make_shared<const std::vector<AskPtr<D>>>(std::exchange(line.asks, {})));
  }

  std::tuple<Line<ClusterDomain>, Line<NodesDomain>, Line<LeaseDomain>, Line<ClaimsDomain>,
             Line<TokensDomain>, Line<SecretsDomain>, Line<PlansDomain>, Line<BootstrapDomain>,
             Line<ServicesDomain>, Line<RunsDomain>, Line<SourcesDomain>>
    lines_;
};

}  // namespace muster::actors
