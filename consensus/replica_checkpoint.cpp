// What stands for lines that are nowhere any more: a checkpoint, fetched in pieces from any peer that has it.
#include "consensus/replica_impl.hpp"

namespace muster::consensus {
namespace {

constexpr uint64_t kPatienceMs = 500;  // Without progress; then another peer is asked.
constexpr uint64_t kAhead = 4 << 20;   // Bytes that are asked for before they are here.

}  // namespace

void Replica::Impl::hear_start(MemberId from, std::string_view frame) {
  const auto start = decode_start(frame);
  if (!start || !installing || !wanted || has_lines() || broken || from != fetching.peer) return;
  if (start->oldest <= machine.head().seq + 1) return;
  if (start->size == 0 || start->oldest > wanted->head.seq + 1 || start->at > wanted->head.seq) {
    fetching.too_new = true;
    return;
  }
  if (fetching.start != *start) {  // What is here of another one is of no use.
    fetching.start = *start;
    fetching.bytes.clear();
    fetching.asked_bytes = 0;
  }
  ask_for_pieces();
}

void Replica::Impl::ask_for_pieces() {
  const auto& start = *fetching.start;
  while (fetching.asked_bytes < start.size && fetching.asked_bytes < fetching.bytes.size() + kAhead) {
    outside.send(fetching.peer, encode_piece_fetch({start.at, start.digest, fetching.asked_bytes}));
    fetching.asked_bytes += kMaxPiece;
  }
}

void Replica::Impl::serve_piece(MemberId to, const PieceFetch& fetch) {
  const auto bytes = machine.checkpoint_piece(fetch.at, fetch.digest, fetch.offset, kMaxPiece);
  if (!bytes.empty() && bytes.size() <= kMaxPiece)
    outside.send(to, encode_piece({fetch.at, fetch.offset, bytes}));
}

/// Pieces come in order; after a lost one the rest is asked for anew.
void Replica::Impl::hear_piece(MemberId from, std::string_view frame) {
  const auto piece = decode_piece(frame);
  if (piece && fetching.copy) return hear_copy_piece(from, *piece);
  if (!piece || !installing || !wanted || has_lines() || broken || !fetching.start) return;
  auto& here = fetching.bytes;
  if (piece->at != fetching.start->at || piece->offset != here.size()) return;
  if (piece->bytes.size() > fetching.start->size - here.size()) return;
  here.append(piece->bytes);
  fetching.anew_at_ms = outside.now_ms() + kPatienceMs;
  if (here.size() < fetching.start->size) return ask_for_pieces();
  finish_checkpoint();
  if (broken) settle();
}

void Replica::Impl::finish_checkpoint() {
  const auto start = *std::exchange(fetching.start, std::nullopt);
  const auto bytes = std::exchange(fetching.bytes, {});
  log::Batch batch;
  // Not what was promised: after a while another peer is asked.
  if (sha256(bytes) != start.digest || !machine.take_checkpoint(start, bytes, batch)) return machine.reload();
  if (auto written = disk.write(batch, false); !written) return fail(written.error());
  fetching.next = machine.head().seq + 1;
  fetching.ends.clear();
  fetching.early.clear();
  whole() ? finish_install() : ask();
}

}  // namespace muster::consensus
