@AC05
Feature: The frontend notices nothing
  "Existing frontend API calls continue to work unchanged."

  The frontend's calls were recorded before the migration. They are sent again, the way that the frontend takes now, and
  each answer is compared with the recorded one: its status, the headers that the frontend relies on, its body field by field.
  What the frontend may call tomorrow stands in the services' own descriptions: requests are generated from these.

  Scenario: Every recorded call is answered as before
    Given the system is deployed and healthy
    And the frontend's calls and their answers were recorded before the migration
    When the frontend makes each call again
    Then each answer equals the recorded one

  @gateway
  Scenario: What the services describe holds at the gateway
    Given the system is deployed and healthy
    And customers know the gateway's name
    When customers try every described operation with generated requests
    Then each answer is one that the description allows
