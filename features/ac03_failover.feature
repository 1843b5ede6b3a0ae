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

  @disruptive @daily
  Scenario: A replica that is not ready gets no new request
    When one replica of every service reports that it is not ready
    Then it gets no new request after the bound for unready replicas
    And no request fails
    And it is not restarted
    And it gets its share back when it is ready again

  @disruptive @daily
  Scenario: A replica that hangs is taken out and restarted
    When one replica of every service hangs
    Then it gets no new request after the bound for hung replicas
    And it is restarted
    And it gets its share back when it is ready again

  @disruptive @chaos
  Scenario: A crash is survived
    Given customers use the marketplace
    When the experiment "process-crash" is run
    Then errors end within the bound and enough requests succeed
    And it is restarted
    And customers are served as well as before

  @disruptive @chaos
  Scenario: A replica that is deleted by force loses no request
    When the experiment "pod-kill" is run
    Then no request fails
    And a replacement is ready within the bound

  @disruptive
  Scenario: Replicas are evicted one at a time
    When one replica of every service is evicted, and another one is asked for right after it
    Then the other one has to stay until the first is replaced, and no longer

  # By night, the other experiments. Each runs alone, too, with `chaos run`: see experiments/README.md.

  @nightly @disruptive @chaos
  Scenario Outline: The experiment <name> is survived without a lost request
    Given customers use the marketplace
    When the experiment "<name>" is run
    Then no request fails
    And a replacement is ready within the bound
    And customers are served as well as before

    Examples:
      | name       |
      | pod-delete |
      | half-kill  |

  @nightly @disruptive @chaos
  Scenario Outline: The experiment <name> is survived, and who calls does not notice
    Given customers use the marketplace
    When the experiment "<name>" is run
    Then no request fails
    And customers are served as well as before

    Examples:
      | name         |
      | slow-replica |
      | cpu-stress   |

  @nightly @disruptive @chaos
  Scenario: The experiment not-ready is survived
    Given customers use the marketplace
    When the experiment "not-ready" is run
    Then it gets no new request after the bound for unready replicas
    And no request fails
    And it is not restarted
    And it gets its share back when it is ready again
    And customers are served as well as before

  @nightly @disruptive @chaos
  Scenario: The experiment process-stop is survived
    Given customers use the marketplace
    When the experiment "process-stop" is run
    Then it gets no new request after the bound for hung replicas
    And it is restarted
    And it gets its share back when it is ready again
    And customers are served as well as before

  @nightly @disruptive @chaos
  Scenario: The experiment memory-oom is survived
    Given customers use the marketplace
    When the experiment "memory-oom" is run
    Then enough requests succeed
    And it is restarted
    And no request to another service fails
    And customers are served as well as before

  @nightly @disruptive @chaos
  Scenario: The experiment error-rate is survived
    Given customers use the marketplace
    When the experiment "error-rate" is run
    Then only the replica at fault fails requests
    And no request to another service fails
    And customers are served as well as before

  @nightly @disruptive @chaos
  Scenario: The experiment total-loss is survived
    Given customers use the marketplace
    When the experiment "total-loss" is run
    Then a replacement is ready within the bound
    And no request to another service fails
    And customers are served as well as before

  @nightly @disruptive @chaos
  Scenario Outline: The experiment <name> is survived when the node is held for lost
    Given a worker holds replicas of every service, and not all of any
    And requests are sent from the other nodes
    When the experiment "<name>" is run on that worker
    Then errors end within the bound for lost nodes
    And all its replicas are back within the bound

    Examples:
      | name            |
      | node-pause      |
      | node-disconnect |
      | node-restart    |

  # Last, for what a drain leaves stands on one node, and has to be spread before a node can be lost.
  @nightly @disruptive @chaos
  Scenario Outline: The experiment <name> is survived by those who call the other nodes
    Given a worker holds replicas of every service, and not all of any
    And requests are sent from the other nodes
    When the experiment "<name>" is run on that worker
    Then no request fails
    And all its replicas are back within the bound

    Examples:
      | name         |
      | kubelet-stop |
      | node-cordon  |
      | node-drain   |
