// What needs a process of its own, as "sampan_process_probe SCENARIO DEVICE". Prints "ok" when it
// gets to its end; exit code 1 and the reason if something is wrong.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "sampan/sampan.h"

namespace {

using sampan::Buffer;
using sampan::Device;
using sampan::DType;
using sampan::Stream;

constexpr std::uint64_t kBytes = 1 << 20;

// Some hundred milliseconds of work.
void enqueue_work(Stream& stream, const Buffer& a, const Buffer& b) {
  for (int i = 0; i < 200; ++i) {
    stream.fill(a.view(DType::u8), static_cast<std::uint8_t>(i));
    stream.copy(b.view(DType::u8), a.view(DType::u8));
  }
}

// Whether a stream of the device still does what it should.
bool works(const Device& device) {
  Stream stream = device.create_stream();
  const Buffer buffer = stream.allocate(64);
  std::vector<std::uint32_t> values(16);
  stream.fill(buffer.view(DType::u32), std::uint32_t{42});
  stream.copy_to_host(std::span(values), buffer.view(DType::u32));
  stream.synchronize();
  return values == std::vector<std::uint32_t>(16, 42);
}

[[noreturn]] void fail(const std::string& reason) {
  std::printf("%s\n", reason.c_str());
  std::fflush(stdout);
  std::_Exit(1);
}

// ---- Exit
// -----------------------------------------------------------------------------------------

struct Everything {
  Stream stream;
  Buffer a, b;
  sampan::Event event;
  sampan::Module module;
  sampan::Kernel kernel;
  sampan::Graph graph;

  void make(const Device& device) {
    stream = device.create_stream();
    a = device.allocate(kBytes);
    b = stream.allocate(kBytes);
    event = device.create_event({.timing = true});
    module = device.load(sampan::Code::dialect(
        "exit_probe",
        "#include \"sampan_kernel.h\"\n"
        "KERNEL_FLAT(set_first, 1, 1, 1)(GLOBAL u32* out) { out[0] = 1; }\n"));
    kernel = module.kernel("set_first");
    stream.begin_recording();
    stream.launch(kernel, {{1, 1, 1}, {1, 1, 1}}, a);
    graph = stream.end_recording();
    enqueue_work(stream, a, b);
    stream.replay(graph);
    stream.record(event);
  }
};

// Made before the library is used, so destroyed last.
Everything at_namespace_scope;

int static_objects(const Device& device) {
  static Everything local;  // made after, so destroyed first
  at_namespace_scope.make(device);
  local.make(device);
  return 0;
}

int reversed_static_objects(const Device& device) {
  // The stream goes before what its work uses, and the other way round.
  static Stream first = device.create_stream();
  static Buffer buffer = device.allocate(kBytes);
  static Buffer target = device.allocate(kBytes);
  static Stream last = device.create_stream();
  enqueue_work(first, buffer, target);
  sampan::Event event = device.create_event();
  first.record(event);
  last.wait(event);
  enqueue_work(last, buffer, target);
  return 0;
}

// exit() in the middle: nothing on the stack is destroyed.
int exit_within(const Device& device) {
  Everything everything;
  everything.make(device);
  static Everything* const reachable = &everything;
  static_cast<void>(reachable);
  std::printf("ok\n");
  std::exit(0);
}

int quick_exit_within(const Device& device) {
  Everything everything;
  everything.make(device);
  std::printf("ok\n");
  std::fflush(stdout);
  std::quick_exit(0);
}

// A driver that ends with the process takes the device from the threads that go on.
template <class Body>
void until_lost(const Body& body) {
  try {
    for (;;) body();
  } catch (const sampan::Error& error) {
    if (error.code() != sampan::ErrorCode::device_lost) fail(error.what());
  }
}

// exit() while another thread waits and a third enqueues.
int exit_beside_threads(const Device& device) {
  static Everything waiting, enqueuing;
  waiting.make(device);
  enqueuing.make(device);
  // They end with the process, wherever they are; what they use is never destroyed.
  static auto* const held = new Everything[2];
  held[0] = std::move(waiting);
  held[1] = std::move(enqueuing);
  std::thread([] {
    until_lost([] { held[0].stream.synchronize(); });
  }).detach();
  std::thread([] {
    until_lost([] {
      enqueue_work(held[1].stream, held[1].a, held[1].b);
      held[1].stream.synchronize();
    });
  }).detach();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return 0;
}

// A host function and a wait across devices are under way.
int exit_beside_host_function(const Device& device) {
  static Stream stream = device.create_stream();
  stream.host_function([] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });
  static sampan::Event event = device.create_event();
  stream.record(event);
  static std::vector<Stream> others;
  for (const Device& other : sampan::devices()) {
    others.push_back(other.create_stream());
    others.back().wait(event);
  }
  return 0;
}

// ---- fork
// -----------------------------------------------------------------------------------------

// Runs `child` in a fork that then exits the ordinary way, destroying static objects.
void in_child(const std::function<int()>& child) {
  std::fflush(stdout);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(60);  // not inherited; a child that hangs is ended
    std::exit(child());
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) {
    fail("the child ended with status " + std::to_string(status));
  }
}

int fork_with_open_device(const Device& device) {
  static Everything everything;
  everything.make(device);
  in_child([&] {
    try {
      everything.stream.fill(everything.a.view(DType::u8), std::uint8_t{1});
      everything.stream.synchronize();
    } catch (const sampan::Error& error) {
      const bool says_why = std::string(error.what()).find("fork") != std::string::npos;
      if (!says_why) std::printf("%s\n", error.what());
      return says_why ? 0 : 1;
    }
    std::printf("the child was not told that it is a fork\n");
    return 1;
  });
  everything.stream.synchronize();
  return works(device) ? 0 : 1;
}

int fork_and_leave(const Device& device) {
  static Everything everything;
  everything.make(device);
  in_child([] { return 0; });
  everything.stream.synchronize();
  return works(device) ? 0 : 1;
}

// ---- Open, close
// ----------------------------------------------------------------------------------

std::size_t entries(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

std::size_t resident_pages() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident;
}

// Prints what each cycle after the first hundred added: threads, open files, resident bytes.
int open_close(const Device& device) {
  constexpr int kWarmUp = 100, kCycles = 1000;
  std::size_t threads = 0, files = 0, pages = 0;
  for (int i = 0; i < kCycles; ++i) {
    if (i == kWarmUp) {
      threads = entries("/proc/self/task");
      files = entries("/proc/self/fd");
      pages = resident_pages();
    }
    device.reopen();
    if (!works(device)) fail("cycle " + std::to_string(i) + " computed something wrong");
  }
  const auto more = [](std::size_t now, std::size_t before) {
    return static_cast<long>(now) - static_cast<long>(before);
  };
  std::printf("threads %ld files %ld bytes_per_cycle %ld\n",
              more(entries("/proc/self/task"), threads), more(entries("/proc/self/fd"), files),
              more(resident_pages(), pages) * ::sysconf(_SC_PAGESIZE) / (kCycles - kWarmUp));
  return 0;
}

// ---- SAMPAN_VALIDATE, SAMPAN_TRACE
// ----------------------------------------------------------------

int leak_buffer(const Device& device) {
  static Buffer* const kept = new Buffer(device.allocate(12345));
  static_cast<void>(kept);
  return 0;
}

// Prints the host's clock around the work, in ns.
int trace_work(const Device& device) {
  const auto now_ns = [] {
    return static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                      std::chrono::steady_clock::now().time_since_epoch())
                                      .count());
  };
  const long long begin = now_ns();
  Everything everything;
  everything.make(device);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        if (!works(device)) fail("traced work computed something wrong");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  everything.stream.synchronize();
  std::printf("%lld %lld\n", begin, now_ns());
  return 0;
}

struct Scenario {
  int (*run)(const Device&);
  bool leaves_objects;  // on purpose: it ends in the middle, or forks
};
const std::map<std::string, Scenario> kScenarios = {
    {"static_objects", {static_objects, false}},
    {"reversed_static_objects", {reversed_static_objects, false}},
    {"exit_within", {exit_within, true}},
    {"quick_exit_within", {quick_exit_within, true}},
    {"exit_beside_threads", {exit_beside_threads, true}},
    {"exit_beside_host_function", {exit_beside_host_function, true}},
    {"fork_with_open_device", {fork_with_open_device, true}},
    {"fork_and_leave", {fork_and_leave, true}},
    {"open_close", {open_close, false}},
    {"leak_buffer", {leak_buffer, true}},
    {"trace_work", {trace_work, false}},
};
bool leaves_objects = false;

}  // namespace

// LeakSanitizer asks at the exit.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return leaves_objects ? 1 : 0; }

int main(int argc, char** argv) {
  if (argc != 3 || kScenarios.count(argv[1]) == 0) {
    std::printf("usage: %s SCENARIO DEVICE\n", argv[0]);
    return 2;
  }
  try {
    const Scenario& scenario = kScenarios.at(argv[1]);
    leaves_objects = scenario.leaves_objects;
    const int code = scenario.run(sampan::device(argv[2]));
    if (code == 0) std::printf("ok\n");
    return code;
  } catch (const std::exception& exception) {
    std::printf("exception: %s\n", exception.what());
    return 1;
  }
}
