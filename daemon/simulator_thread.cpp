#include "daemon/simulator_thread.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>

namespace driftwarden::daemon {

namespace {
void Rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}
}  // namespace

SimulatorThread::SimulatorThread(simulator::SimulatorOptions options)
    : work_(io_.get_executor()),
      service_(std::make_unique<simulator::SimulatorService>(io_.get_executor(), clock_,
                                                             std::move(options))),
      thread_([this] { io_.run(); }) {}

SimulatorThread::~SimulatorThread() {
  boost::asio::post(io_, [this] {
    boost::asio::co_spawn(io_, service_->Stop(), Rethrow);
    work_.reset();
  });
  thread_.join();
  service_.reset();
}

Status SimulatorThread::Start() {
  return Do([](simulator::SimulatorService& service) { return service.Start(); });
}

}  // namespace driftwarden::daemon
