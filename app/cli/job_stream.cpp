// Events and lines as they are printed.
#include "app/cli/job_stream.hpp"

#include <chrono>
#include <fstream>
#include <ostream>

#include "app/cli/table.hpp"

namespace muster::cli {
namespace {

/// What stands under `data` of a line (contract of jobs, section 7).
Json data_of(const std::string& type, const Json& members) {
  Json data = Json::object();
  const auto take = [&](std::initializer_list<const char*> names) {
    for (const auto* name : names)
      if (members.contains(name)) data[name] = members[name];
  };
  if (type == "run.start")
    take({"job_id"});
  else if (type == "step.finish")
    take({"exit_code", "status", "error"});
  else
    take({"status", "error", "reason", "attempt"});
  return data;
}

std::string yaml_of(const Json& report) {
  std::string text;
  for (const auto& row : report) {
    char before = '-';
    for (const auto& [name, value] : row.items()) {
      text += before + std::string{" "} + name + ": " + value.dump() + '\n';
      before = ' ';
    }
  }
  return text.empty() ? "[]\n" : text;
}

/// How an event that ends something is painted.
Colour colour_of(const Json& data) {
  const auto status = data.value("status", std::string{});
  if (status == "completed") return Colour::green;
  if (status == "failed" || status == "lost") return Colour::red;
  return status == "canceled" || status == "skipped" ? Colour::yellow : Colour::none;
}

/// Where nobody wants to see it, or where nothing can be drawn again in place, it is no terminal.
Terminal status_terminal(const Io& io, const jobs::Common& common) {
  const bool dumb = io.environment("TERM").value_or("dumb") == "dumb";
  return common.json || common.quiet || dumb ? Terminal{} : io.error_terminal;
}

}  // namespace

JobStream::JobStream(const Io& io, const jobs::Common& common, size_t steps)
  : io_(io), common_(common), steps_(steps), line_(io.err, status_terminal(io, common)) {}

void JobStream::tick() {
  line_.draw_soon(io_.now());
}

Json JobStream::base(uint64_t seq, Time at, const std::string& type) const {
  return {{"sequence", seq}, {"timestamp", to_rfc3339(at)}, {"type", type}, {"run_id", run_}};
}

void JobStream::print(const Json& json) const {
  io_.out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
}

void JobStream::line(uint64_t seq, Time at, const std::string& step, bool is_error, std::string_view text) {
  if (!common_.json) {
    auto progress = line_.shown() ? progress_of(text) : std::nullopt;
    if (progress) {
      line_.set(std::move(*progress));
    } else {
      line_.clear();
      (is_error ? io_.err : io_.out) << text << '\n' << std::flush;
    }
    return line_.draw_soon(io_.now());
  }
  if (text.empty()) return;
  auto json = base(seq, at, "step.log");
  if (!step.empty()) json["step"] = step;
  json["channel"] = is_error ? "stderr" : "stdout";
  json["message"] = text;
  print(json);
}

void JobStream::finish_step(const std::string& step, Time at, const Json& members) {
  const auto took = began_.contains(step) ? at - began_[step] : Millis{0};
  const auto code = members.value("exit_code", int64_t{0});
  if (exit_code_ == 0) exit_code_ = code;
  report_.push_back({{"Name", step},
                     {"ExitCode", code},
                     {"Duration", std::chrono::nanoseconds{took}.count()},
                     {"Err", members.value("error", std::string{})}});
}

void JobStream::event(uint64_t seq, Time at, const std::string& type, const Json& members) {
  if (members.contains("run_id")) run_ = members["run_id"].get<std::string>();
  const auto step = members.value("step", std::string{});
  if (type == "step.start") began_[step] = at;
  if (type == "step.finish") finish_step(step, at, members);
  if (type == "run.finish") status_ = members.value("status", std::string{});
  const auto data = common_.verbose > 0 ? members : data_of(type, members);
  if (common_.json) {
    auto json = base(seq, at, type);
    if (!step.empty()) json["step"] = step;
    if (!data.empty()) json["data"] = data;
    return print(json);
  }
  if (!common_.quiet) show_event(seq, at, type, step, data);
  if (type == "step.start") line_.begin(step, steps_, at);
  type == "run.finish" ? line_.end() : line_.draw(io_.now());
}

void JobStream::show_event(uint64_t seq, Time at, const std::string& type, const std::string& step,
                           const Json& data) {
  std::string text = "[" + std::to_string(seq) + "] ";
  if (common_.verbose > 0) text += to_rfc3339(at) + " ";
  text += type + " run=" + run_;
  if (!step.empty()) text += " step=" + printable(step);
  if (!data.empty()) text += " data=" + printable(data.dump());
  line_.clear();
  io_.err << painted(text, colour_of(data), io_.error_terminal) << '\n' << std::flush;
}

Status JobStream::write_report() const {
  if (common_.report.empty()) return Done{};
  const auto text = common_.report == "yaml" ? yaml_of(report_) : report_.dump(2) + "\n";
  if (common_.report_file.empty()) {
    io_.out << text;
    return Done{};
  }
  std::ofstream file{common_.report_file};
  file << text;
  if (!file.flush()) return Error{"internal", "cannot write the report to " + common_.report_file, {}};
  return Done{};
}

}  // namespace muster::cli
