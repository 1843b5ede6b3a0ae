@AC03
Feature: Traffic is routed to healthy replicas only
  "Health checks monitor service availability and automatically route traffic to healthy instances."

  Each fault is done to one replica of every service, under a steady flow of fresh connections. A fault that cannot be
  shown to have happened proves nothing, and the scenario says so instead of passing.

  Background:
    Given the system is deployed and healthy

  Scenario: Every service declares its health checks
    When the health checks of every service are read
    Then each service has the probes that failover needs

  @disruptive
  Scenario: A replica that is not ready gets no new request
    When one replica of every service reports that it is not ready
    Then it gets no new request after the bound for unready replicas
    And no request fails
    And it is not restarted
    And it gets its share back when it is ready again

  @disruptive
  Scenario: A replica that hangs is taken out and restarted
    When one replica of every service hangs
    Then it gets no new request after the bound for hung replicas
    And it is restarted
    And it gets its share back when it is ready again

  @disruptive
  Scenario: A replica whose process is stopped is taken out and restarted
    When the process of one replica of every service is stopped from its node
    Then it gets no new request after the bound for hung replicas
    And it is restarted
    And it gets its share back when it is ready again

  @disruptive @chaos
  Scenario: A crash is survived
    Given customers use the marketplace
    When the experiment "process-crash" is run on every service
    Then errors end within the bound and enough requests succeed
    And it is restarted
    And customers are served as well as before

  @disruptive @chaos
  Scenario: A replica that is deleted by force loses no request
    Given customers use the marketplace
    When the experiment "pod-kill" is run on every service
    Then no request fails
    And a replacement is ready within the bound
    And customers are served as well as before

  @disruptive
  Scenario: Replicas are evicted one at a time
    When one replica of every service is evicted, and another one is asked for right after it
    Then the other one has to stay until the first is replaced, and no longer

  @disruptive
  Scenario: A replica that is deleted gracefully loses no request
    When one replica of every service is deleted gracefully
    Then no request fails
    And a replacement is ready within the bound
