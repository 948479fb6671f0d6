def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes seconds of real time; -m 'not slow' leaves out")
