// Reading, and comparing at the end.
#include "app/jobs/kept_entries.hpp"

#include "base/json.hpp"

namespace muster::app {
namespace {

std::string corrupt_text(const Error& error) {
  return "journal.corrupt " + Json{{"code", error.code}, {"detail", error.detail}}.dump(
                                -1, ' ', false, Json::error_handler_t::replace);
}

class KeptEntries : public http::RunEntries {
public:
  KeptEntries(const std::string& journal, uint64_t after, std::shared_ptr<Persistence> counts,
              std::function<std::optional<JournalTotals>()> recorded)
    : journal_(journal),
      reader_(journal, after),
      counts_(std::move(counts)),
      recorded_(std::move(recorded)) {}

  void read(const std::function<bool(const JournalEntry&)>& visit) override {
    if (over_) return;
    const auto since = Persistence::Clock::now();
    const auto recorded = recorded_();  // Before it is read: then all of it is there.
    bool more = true;
    std::optional<Error> wrong;
    reader_.read([&](const JournalEntry& entry) {
      const bool last = entry.kind == EntryKind::event && entry.text.starts_with("run.finish ");
      if (recorded && last) wrong = differs(*recorded);
      return more = !wrong && visit(entry);
    });
    counts_->took(reader_.failed() ? Persistence::read_error : Persistence::read_ok, since);
    if (wrong) return end(visit, reader_.last(), corrupt_text(*wrong));
    if (!recorded || !more || reader_.failed() || reader_.last() >= recorded->last) return;
    const auto next = reader_.last() + 1;
    if (oldest_entry(journal_) == 0)
      end(visit, recorded->last, evicted_text(next, recorded->last));
    else if (wrong = differs(*recorded); wrong)
      end(visit, next, corrupt_text(*wrong));
  }

private:
  /// The hash that was reached stands for all before it; only when it is another one all is read again.
  [[nodiscard]] std::optional<Error> differs(const JournalTotals& recorded) const {
    if (reader_.last() == recorded.last && reader_.digest() == recorded.digest) return std::nullopt;
    const auto checked = check_journal(journal_, recorded);
    return checked ? std::nullopt : std::optional{checked.error()};
  }
  void end(const std::function<bool(const JournalEntry&)>& visit, uint64_t seq, const std::string& text) {
    over_ = true;
    visit({seq, system_now(), EntryKind::event, 0, text});
  }

  const std::string journal_;
  JournalReader reader_;
  const std::shared_ptr<Persistence> counts_;
  const std::function<std::optional<JournalTotals>()> recorded_;
  bool over_ = false;
};

}  // namespace

std::optional<JournalTotals> recorded_end(const ViewSet& views, const std::string& run) {
  const auto* row = view<runs::View>(views).runs.find(run);
  if (!row || !(*row)->ended || (*row)->output.last == 0) return std::nullopt;
  const auto& output = (*row)->output;
  return JournalTotals{output.last, output.lines, output.bytes, output.dropped,
                       digest_from_hex(output.digest).value_or(kNoDigest)};
}

std::unique_ptr<http::RunEntries> kept_entries(const std::string& journal, uint64_t after,
                                               std::shared_ptr<Persistence> counts,
                                               std::function<std::optional<JournalTotals>()> recorded) {
  return std::make_unique<KeptEntries>(journal, after, std::move(counts), std::move(recorded));
}

Result<http::JournalChecked> check_kept(const std::string& journal, const std::string& run,
                                        const ViewSet& views) {
  const auto* row = view<runs::View>(views).runs.find(run);
  if (!row) return Error{"not.found", "there is no run " + run, {}};
  if (!(*row)->ended) return Error{"conflict", "run " + run + " has not ended yet", {}};
  const auto oldest = oldest_entry(journal);
  const auto recorded = recorded_end(views, run);
  if (oldest == 0 || !recorded)
    return Error{"cursor.expired", "nothing of run " + run + " is kept, or was told by its node", {}};
  auto checked = check_journal(journal, *recorded);
  if (!checked) return checked.error();
  return http::JournalChecked{run, oldest, *recorded};
}

}  // namespace muster::app
