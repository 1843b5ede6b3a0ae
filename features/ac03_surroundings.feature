@AC03 @nightly @disruptive @chaos
Feature: What stands around the services fails, and they go on
  "Health checks monitor service availability and automatically route traffic to healthy instances."

  Name servers, proxies, control planes and releases are no replicas, and take the system down all the same when
  somebody relies on them for each request. Each is disturbed under a steady flow of fresh connections. A disturbance
  of which no effect was seen proves nothing, and the scenario says so instead of passing.

  Background:
    Given the system is deployed and healthy

  Scenario Outline: Names go on being answered while <what happens>
    Given names are asked for on every node
    When the experiment "<experiment>" is run while services are called by their addresses
    Then every name is answered within the bound
    And no request fails while it lasts

    Examples:
      | experiment     | what happens                            |
      | dns-one-killed | a name server is deleted by force       |
      | dns-cold       | all name servers are replaced in turn   |

  Scenario: Known addresses are reached without any name server, and names are back within the bound
    Given names are asked for on every node
    When the experiment "dns-all-killed" is run while services are called by their addresses
    Then every name is answered again within the bound
    And no request fails while it lasts

  Scenario: Known replicas are reached while a node's proxy stands still
    When the experiment "kube-proxy-stopped" is run around the services
    Then no request fails while it lasts

  Scenario: Packets that are lost between two services are nobody else's loss
    When the experiment "packet-loss" is run around the services
    Then no request fails while it lasts

  @connections
  Scenario: What delays one call delays no other
    When the experiment "edge-latency" is run around the services
    Then no other request is delayed
    And no request fails while it lasts

  @mesh
  Scenario: What delays one call in the mesh delays no other
    When the experiment "edge-latency-mesh" is run around the services
    Then no other request is delayed
    And no request fails while it lasts

  @gateway
  Scenario: The door stays open when one of its replicas crashes
    Given customers know the gateway's name
    When the experiment "gateway-kill" is run while customers read steadily
    Then errors end within the bound and enough requests succeed

  @mesh
  Scenario: The data plane goes on without its control plane
    When the experiment "istiod-down" is run around the services
    Then no request fails while it lasts

  Scenario: A bad version never gets traffic and the old one keeps serving
    When the experiment "bad-rollout" is run around the services
    Then only the former replicas answer
    And no request fails while it lasts

  Scenario Outline: No request is lost while <what happens>
    When the experiment "<experiment>" is run around the services
    Then no request fails while it lasts

    Examples:
      | experiment       | what happens                                     |
      | rolling-update   | every replica of a service is replaced in turn   |
      | rollout-undo     | a bad version is rolled back                     |
      | scale-to-minimum | a service is scaled in to its minimum, and back  |
