#include "graph.h"

#include <algorithm>

#include "control.h"

namespace sampan::emulator {
namespace {

struct Runner {
  const Stream& stream;

  void operator()(std::monostate) const {}
  void operator()(const LaunchTask& task) const {
    run_launch(stream, *task.kernel, task.shape, *task.arguments);
  }
  void operator()(const Copy& copy) const { run_copy(copy); }
  void operator()(const Fill& fill) const { run_fill(fill); }
  void operator()(const HostTask& task) const { host_callback(task.function, task.argument).run(); }
};

}  // namespace

std::shared_ptr<Node> Graph::add(Task task, const std::vector<std::shared_ptr<Node>>& after) {
  std::lock_guard lock(mutex_);
  Step step{std::move(task), {}};
  for (const auto& node : after) {
    require(node->graph == this, Status::invalid_value);
    step.after.push_back(node->index);
  }
  steps_.push_back(std::move(step));
  return std::make_shared<Node>(Node{this, steps_.size() - 1});
}

std::vector<Graph::Step> Graph::steps() const {
  std::lock_guard lock(mutex_);
  return steps_;
}

Exec::Exec(Context& context, const Graph& graph)
    : context_(context), graph_(&graph), steps_(std::make_shared<const Steps>(graph.steps())) {}

void Exec::update(const Node& node, LaunchTask task) {
  require(node.graph == graph_ && &task.kernel->context() == &context_, Status::invalid_value);
  std::lock_guard lock(mutex_);
  require(
      node.index < steps_->size() && std::holds_alternative<LaunchTask>((*steps_)[node.index].task),
      Status::invalid_value);
  auto changed = std::make_shared<Steps>(*steps_);  // runs that wait keep theirs
  (*changed)[node.index].task = std::move(task);
  steps_ = std::move(changed);
}

void Exec::launch(Stream& stream) {
  std::lock_guard lock(mutex_);
  if (last_run_ != nullptr && !last_run_->reached()) {
    const Stream* const waiting = &stream;
    stream.context().push(stream,
                          {[before = last_run_, waiting] {
                             wait_until([&] { return before->reached() || waiting->aborted(); });
                           },
                           true});
  }
  last_run_ = std::make_shared<Moment>();
  stream.context().push(stream, {[&stream, steps = steps_] { run(stream, *steps); }});
  stream.context().push(stream, {[moment = last_run_] { moment->reach(); }, true});
}

// Any order that the dependencies allow; which one, `delay=SEED` chooses.
void Exec::run(const Stream& stream, const Steps& steps) {
  std::vector<bool> done(steps.size(), false);
  for (std::size_t left = steps.size(); left != 0; --left) {
    const std::size_t first =
        static_cast<std::size_t>(Control::of_library().chance() % steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::size_t next = (first + i) % steps.size();
      const auto is_done = [&](std::size_t index) { return done[index]; };
      if (done[next] || !std::all_of(steps[next].after.begin(), steps[next].after.end(), is_done))
        continue;
      std::visit(Runner{stream}, steps[next].task);
      done[next] = true;
      break;
    }
  }
}

}  // namespace sampan::emulator
