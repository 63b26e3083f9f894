// What a node has to report of its environment and has not told yet, in order; kept on the disk, so that
// neither a crash nor a control plane that is away loses any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "domain/environment.hpp"
#include "events/log/disk.hpp"

namespace muster::app {

/// Any thread.
class ReportBox {
public:
  /// Bodies that wait at most; beyond, the oldest are given up, which is logged.
  static constexpr size_t kMostWaiting = 256;
  /// Bytes of what one body spells out: a control plane may take less than most do (--max-body).
  static constexpr size_t kMostBytes = 48 * 1024;

  /// What waited when the node ended waits still; an intent of which it is not known what came is ended by
  /// the next look. `disk` outlives the box. Error: `log.corrupt`.
  static Result<std::unique_ptr<ReportBox>> open(std::string node, log::Disk& disk);

  /// What a look that has written nothing yet is about to write; durable when it returns. An intent that is
  /// quiet, or that failed when it was last told, waits to be told until something new comes of it. Error:
  /// `log.unwritable`.
  Status intend(const environment::Report& look);
  /// True when it is news: something changed, or is not as it was told last.
  bool put(const environment::Report& report);
  /// Nothing is desired of it any more, so that no look comes: an apply that was cut short is ended. True: it
  /// waits to be told.
  bool give_up(environment::Component component, Time now);
  /// The oldest that waits: the body of POST /v1/bootstrap/events, with an idempotency key of its own.
  [[nodiscard]] std::optional<std::string> waiting() const;
  /// The one with this body was taken, or never will be.
  void drop(const std::string& body);

private:
  ReportBox(std::string node, log::Disk& disk) : node_(std::move(node)), disk_(disk) {}
  Status read();
  void add(log::Batch& batch, const Json& body);
  template <class Look>  // An Intent or a Report.
  void tell(log::Batch& batch, Json body, const Look& look, const std::vector<bootstrap::Thing>& things);
  void tell(log::Batch& batch, const environment::Intent& intent);
  [[nodiscard]] bool fails_again(const environment::Intent& intent) const;
  struct Came;  // What became of an apply that was cut short.
  static Came look_into(const environment::Intent& cut, const environment::Report& look);
  void end_cut(log::Batch& batch, const environment::Intent& cut, const Came& came, Time at);
  void write(const log::Batch& batch);

  const std::string node_;
  log::Disk& disk_;
  mutable std::mutex mutex_;
  std::map<std::string, environment::Report> told_;  ///< By component, like all of these.
  std::map<std::string, environment::Intent> open_;  ///< Of this life of the node.
  std::map<std::string, environment::Intent> cut_;   ///< Of an earlier one.
  std::map<uint64_t, std::string> waiting_;          ///< By number, in order.
  uint64_t next_ = 1;
};

}  // namespace muster::app
