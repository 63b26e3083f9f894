// What one attempt at a step prints, on its way into the journal: secrets hidden, cut into lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adapters/line_buffer.hpp"
#include "adapters/run_journal.hpp"
#include "adapters/script_loop.hpp"
#include "domain/jobs/redaction.hpp"

namespace muster {

class StepOutput {
  /// Takes lines of a channel into the journal.
  auto keep(Channel channel, Time at) {
    return [this, channel, at](std::string_view text) {
      // A full disk takes no more of it: what was not taken is counted, and the script goes on.
      (void)journal_.lines(channel == Channel::out ? EntryKind::out : EntryKind::err, step_, text, at);
    };
  }

public:
  StepOutput(RunJournal& journal, uint16_t step, const std::shared_ptr<const jobs::Secrets>& secrets)
    : journal_(journal), step_(step), out_{jobs::Redactor{secrets}, {}}, err_{jobs::Redactor{secrets}, {}} {}

  void write(Channel channel, std::string_view bytes, Time at) {
    auto& side = channel == Channel::out ? out_ : err_;
    shown_.clear();
    side.redactor.write(bytes, shown_);
    side.lines.write(shown_, keep(channel, at));
  }

  /// Nothing came for a while: a line without an end is shown. What may begin a secret is held back still.
  void quiet(Time at) {
    out_.lines.flush(keep(Channel::out, at));
    err_.lines.flush(keep(Channel::err, at));
  }

  /// No more will come.
  void finish(Time at) {
    for (const auto channel : {Channel::out, Channel::err}) {
      auto& side = channel == Channel::out ? out_ : err_;
      shown_.clear();
      side.redactor.finish(shown_);
      side.lines.write(shown_, keep(channel, at));
    }
    quiet(at);
  }

private:
  struct Side {
    jobs::Redactor redactor;
    LineBuffer lines;
  };

  RunJournal& journal_;
  const uint16_t step_;
  Side out_, err_;
  std::string shown_;
};

}  // namespace muster
