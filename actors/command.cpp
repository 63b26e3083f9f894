// Answers that cannot be forgotten.
#include "actors/command.hpp"

namespace muster {

void Answer::operator()(Result<Receipt> result) const {
  if (!owed_ || !owed_->send) return;
  auto send = std::move(owed_->send);
  owed_->send = nullptr;
  send(std::move(result));
}

Answer::Owed::~Owed() {
  if (send) send(Error{"leader.lost", "the node stopped before the outcome was known", {}, true});
}

}  // namespace muster
